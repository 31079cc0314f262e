"""`select`: which fits it finds, that nothing hangs on threads or order, and what it chooses."""

from __future__ import annotations

import copy
import math
import pickle
import sys
import threading
import warnings
from itertools import pairwise

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import ConvergenceWarning, DataWarning, DegenerateError, InputError
from mogfit.inference.structure import STRUCTURES
from mogfit.selection import search
from mogfit.selection.search import Candidate
from tests.selection.samples import fit_options, three_humps, two_apart


@pytest.fixture(scope="module")
def humps():
    return mn.select(three_humps(9), random_state=9)


def logliks(selection, covariance="full"):
    return np.array([r.log_likelihood for r in selection.table if r.covariance == covariance])


def sound(selection):
    return [row for row in selection.table if row.status == "converged" and not row.spurious]


def test_the_best_fit_is_ready_as_after_fit_data(humps):
    best = humps.best
    assert isinstance(best, mn.FitMoG)
    assert humps.best_ngauss == best.ngauss == best.mog.ngauss == 3
    assert humps.best_covariance == best.covariance == "full"
    assert best.report.converged
    assert best.bic() == min(row.bic for row in humps.table)
    assert best.data.shape == (1000, 1)
    assert best.log_l() == pytest.approx(-humps.table[2].log_likelihood, rel=1e-12)
    best = copy.copy(best)
    best.fit_data()  # goes on from the optimum
    assert best.report.iterations <= 1


def test_the_table_agrees_with_the_fits(humps):
    assert [row.ngauss for row in humps.table] == list(range(1, 11))
    assert set(humps.fits) == {("full", k) for k in range(1, 11)}
    for row in humps.table:
        fit = humps.fits[row.covariance, row.ngauss]
        assert row.log_likelihood == -fit.report.neg_loglik
        assert row.n_parameters == fit.report.n_parameters == 3 * row.ngauss - 1
        assert (row.aic, row.bic) == (fit.aic(), fit.bic())
        assert row.icl == pytest.approx(fit.icl(), rel=1e-13)
        assert math.isnan(row.cv)
        assert row.start in row.tried
        assert "search" in row.tried


@pytest.mark.parametrize("seed", [0, 2])
def test_the_likelihood_never_falls_with_the_number_of_components(seed):
    selection = mn.select(three_humps(seed), range(1, 9), random_state=seed)
    rows = sound(selection)
    assert len(rows) >= 5
    for few, more in pairwise(rows):
        assert more.log_likelihood >= few.log_likelihood


def test_rounds_never_lose_and_here_win():
    points = three_humps(3)
    alone = mn.select(points, range(1, 9), random_state=4, n_starts=1, rounds=0)
    helped = mn.select(points, range(1, 9), random_state=4, n_starts=1)
    assert {row.start for row in alone.table} <= {"search", "firm search"}
    pairs = [
        (a.log_likelihood, b.log_likelihood)
        for a, b in zip(alone.table, helped.table, strict=True)
        if a.status == b.status and a.spurious == b.spurious
    ]
    assert all(b >= a for a, b in pairs)
    assert any(b > a + 0.1 for a, b in pairs)
    assert any(row.start.startswith(("split", "merge")) for row in helped.table)


def test_iris_has_two_components_by_bic():
    iris = pytest.importorskip("sklearn.datasets").load_iris().data
    selection = mn.select(iris, range(1, 5), random_state=0)
    assert selection.best_ngauss == 2
    values = logliks(selection)
    assert values[1] >= -214.3547 - 1e-4
    assert values[2] >= -180.1855 - 1e-4
    assert selection.table[1].bic == pytest.approx(574.018, abs=1e-3)
    assert selection.table[2].bic <= 580.839 + 1e-3
    assert selection.table[2].status == "converged"


def test_structures_are_compared_and_larger_ones_are_no_worse():
    points = two_apart(240, 3)
    selection = mn.select(
        points, range(1, 4), covariance=["spherical", "full", "tied", "diag"], random_state=1
    )
    assert (selection.best_covariance, selection.best_ngauss) == ("tied", 2) or (
        selection.best_covariance == "spherical" and selection.best_ngauss == 2
    )
    assert selection.best.covariance == selection.best_covariance
    for part, whole in (("spherical", "diag"), ("diag", "full"), ("tied", "full")):
        held = {r.ngauss for r in selection.table if r.status != "converged"}
        for k in {1, 2, 3} - held:
            assert logliks(selection, whole)[k - 1] >= logliks(selection, part)[k - 1] - 1e-6
    assert "above best" in repr(selection)
    assert "spherical" in repr(selection)


def test_threads_change_nothing():
    points, running = three_humps(3), threading.active_count()
    runs = [
        mn.select(points, range(1, 6), random_state=7, threads=threads) for threads in (1, 2, 7)
    ]
    for other in runs[1:]:
        assert repr(other) == repr(runs[0])
        for key, fit in other.fits.items():
            np.testing.assert_array_equal(fit.mog.mus, runs[0].fits[key].mog.mus)
            np.testing.assert_array_equal(fit.mog.Sigmas, runs[0].fits[key].mog.Sigmas)
    assert threading.active_count() == running


def test_a_search_hangs_on_its_own_seed_alone():
    points = three_humps(3)
    few = mn.select(points, [3], random_state=7, rounds=0)
    many = mn.select(points, [5, 3, 1], random_state=7, rounds=0)
    np.testing.assert_array_equal(few.best.mog.mus, many.fits["full", 3].mog.mus)
    assert [row.ngauss for row in many.table] == [1, 3, 5]


def test_numpys_global_state_gives_the_seed_and_is_left_alone_otherwise():
    points = two_apart(90)
    np.random.seed(5)  # noqa: NPY002
    first = mn.select(points, [2, 3])
    np.random.seed(5)  # noqa: NPY002
    assert repr(mn.select(points, [2, 3])) == repr(first)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mn.select(points, [2], random_state=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_weights_times_1000_change_nothing():
    points = two_apart(120)
    weights = np.random.default_rng(2).gamma(3.0, size=120)
    one = mn.select(points, [1, 2, 3], sample_weight=weights, random_state=1)
    many = mn.select(points, [1, 2, 3], sample_weight=1000 * weights, random_state=1)
    assert one.best_ngauss == many.best_ngauss == 2
    for a, b in zip(one.table, many.table, strict=True):
        assert (a.aic, a.bic, a.icl) == pytest.approx((b.aic, b.bic, b.icl), rel=1e-7)
    assert one.n_points == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert "effective points" in repr(one)
    assert one.best.icl() == pytest.approx(one.table[1].icl, rel=1e-13)


def test_points_of_weight_0_are_absent():
    points = two_apart(120)
    weights = np.ones(120)
    weights[::3] = 0.0
    with_them = mn.select(
        points, [1, 2], sample_weight=weights, criterion="cv", folds=3, random_state=1
    )
    without = mn.select(points[weights > 0], [1, 2], criterion="cv", folds=3, random_state=1)
    for a, b in zip(with_them.table, without.table, strict=True):
        assert (a.bic, a.icl, a.cv) == pytest.approx((b.bic, b.icl, b.cv), rel=1e-12)


def test_cross_validation_scores_points_that_were_held_out():
    points = two_apart(150)
    selection = mn.select(points, [1, 2, 3], criterion="cv", folds=4, random_state=1)
    assert selection.best_ngauss == 2
    # One Gaussian, by hand: mean and covariance of the other folds.
    parts = np.random.default_rng(0)
    problem = search.Problem(selection.best._observed(None), None, fit_options(), draw_seed_of(1))
    total = search.held_out(problem, [Candidate(1)], 4, search.Pool(1))[Candidate(1)]
    assert selection.table[0].cv == pytest.approx(-2 * total, rel=1e-12)
    # Any parts of this size give nearly the same.
    from scipy import stats

    part_of = parts.permutation(np.arange(150) % 4)
    by_hand = 0.0
    for fold in range(4):
        train, test = points[part_of != fold], points[part_of == fold]
        model = stats.multivariate_normal(train.mean(axis=0), np.cov(train.T, ddof=0))
        by_hand += model.logpdf(test).sum()
    assert total == pytest.approx(by_hand, rel=0.01)
    # What was held out is described worse than what was fitted.
    assert all(row.cv > -2 * row.log_likelihood for row in selection.table)
    assert "CV" in repr(selection)


def draw_seed_of(random_state):
    from mogfit.rng import draw_seed

    return draw_seed(random_state)


def test_failures_are_rows_with_a_reason():
    selection = mn.select(two_apart(30), [1, 2, 40], random_state=1)
    assert selection.best_ngauss == 2
    failed = selection.table[2]
    assert failed.status == "failed"
    assert failed.reason.startswith("InputError: data: 30 rows")
    assert math.isnan(failed.bic)
    assert ("full", 40) not in selection.fits
    line = repr(selection).splitlines()[-1]
    assert "failed: InputError: data: 30 rows" in line


@pytest.mark.parametrize(("other", "reason"), [("diag", "collinear"), ("spherical", "constant")])
def test_data_that_one_structure_cannot_describe_are_fitted_by_others(other, reason):
    x = np.r_[np.linspace(-1, 1, 40), np.linspace(4, 6, 40)]
    points = np.column_stack([x, 2 * x if reason == "collinear" else np.ones(80)])
    selection = mn.select(points, [1, 2], covariance=["full", other], random_state=1)
    assert [row.status for row in selection.table] == ["failed"] * 2 + ["converged"] * 2
    assert f"DegenerateError: data: {'the' if other == 'diag' else 'column'}" in repr(selection)
    assert selection.best_covariance == other


def test_a_start_that_loses_a_component_is_no_reason_to_fail():
    points = np.random.default_rng(0).normal(size=(6, 3))
    with pytest.warns(DataWarning, match="parameters for 6 points"):
        selection = mn.select(points, [1, 2, 5, 6, 7], covariance=STRUCTURES, random_state=0)
    assert [row.status == "failed" for row in selection.table] == [*[False] * 4, True] * 6


def test_a_fit_that_the_penalty_holds_up_is_shown_and_not_chosen():
    points = np.concatenate([np.random.default_rng(1).normal(size=100), np.full(100, 0.5)])
    selection = mn.select(points, [1, 2, 3], random_state=1)
    held = [row for row in selection.table if row.status == "held by the penalty"]
    assert held
    assert selection.table[selection._best].status == "converged"
    assert min(row.bic for row in held) < selection.table[selection._best].bic
    assert any("held up by the penalty" in text for text, _ in held[0].warnings)


def test_only_the_best_fit_warns(monkeypatch):
    run_fit = search.run_fit

    def stop_early(*args):
        options = args[4]
        limited = search.replace(options, options={"maxiter": 1})
        return run_fit(*args[:4], limited, *args[5:])

    monkeypatch.setattr(search, "run_fit", stop_early)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        selection = mn.select(three_humps(1), range(2, 7), random_state=1, rounds=0)
    assert [w.category for w in caught] == [ConvergenceWarning]
    assert caught[0].filename == __file__
    unfinished = [row for row in selection.table if row.status == "not converged"]
    assert len(unfinished) > 2
    assert all(row.warnings[0][1] is ConvergenceWarning for row in unfinished)
    assert "not converged: iteration limit 1 reached" in repr(selection)


def test_when_every_fit_fails_so_does_the_selection():
    with pytest.raises(DegenerateError, match=r"^data: column 1 is constant"):
        mn.select(np.column_stack([np.arange(20.0), np.ones(20)]), [1, 2])
    with pytest.raises(InputError, match="none of 2 models could be fitted; the first: data: 9 "):
        mn.select(two_apart(9), [11, 12])


def test_when_no_model_can_be_fitted_to_the_folds_more_of_them_are_asked_for():
    points = np.random.default_rng(1).normal(size=(5, 3))
    with pytest.raises(DegenerateError, match=r"criterion: 'cv' .* use more folds, .* 2 distinct"):
        mn.select(points, [1, 2], criterion="cv", folds=2)


def test_a_domain_and_missing_values_are_those_of_the_fits(rng):
    points = np.abs(two_apart(200))
    points[::7, 1] = np.nan
    selection = mn.select(
        points, [1, 2], domain=[(0, None), (0, None)], missing="marginal", random_state=1
    )
    assert selection.best.domain == [(0.0, math.inf), (0.0, math.inf)]
    assert selection.best.missing == "marginal"
    assert selection.best_ngauss == 2
    row = selection.table[1]
    assert row.icl == pytest.approx(selection.best.icl(), rel=1e-13)


def test_a_prior_is_that_of_every_fit():
    selection = mn.select(two_apart(60), [1, 2, 3], prior=True, random_state=1)
    assert all(fit.report.log_prior != 0.0 for fit in selection.fits.values())


def test_another_criterion_can_be_asked(humps):
    assert humps.best_by("bic").ngauss == 3
    assert humps.best_by("aic").aic == min(row.aic for row in humps.table)
    with pytest.raises(InputError, match="criterion: 'hqc' seen; allowed: 'bic'"):
        humps.best_by("hqc")
    with pytest.raises(InputError, match="'cv' is not known of any fit"):
        humps.best_by("cv")


def test_to_frame_holds_the_table(humps):
    frame = humps.to_frame()
    assert frame["bic"].tolist() == [row.bic for row in humps.table]
    assert frame["best"].tolist() == [k == 3 for k in range(1, 11)]
    assert "cv" not in frame
    assert frame.loc[0, "start"] == "search"


def test_to_frame_needs_pandas(humps, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="the package pandas is needed for to_frame"):
        humps.to_frame()


def test_the_text_is_a_table(humps):
    lines = repr(humps).splitlines()
    assert lines[0] == "Selection by BIC: 3 components, full covariances; 10 models of 1,000 points"
    assert lines[1].split() == [
        "K", "p", "log", "L", "AIC", "BIC", "ICL", "above", "best", "start", "status",
    ]  # fmt: skip
    assert [line.startswith("->") for line in lines[2:]] == [k == 3 for k in range(1, 11)]
    ends = [line.index("converged") for line in lines[2:]]
    assert len(set(ends)) == 1
    assert lines[4].split()[7] == "0.00"
    assert "<pre>" in humps._repr_html_()


def test_a_selection_can_be_pickled_and_copied(humps):
    twin = pickle.loads(pickle.dumps(humps))
    assert repr(twin) == repr(humps)
    assert twin.best.data is None
    np.testing.assert_array_equal(twin.best.mog.mus, humps.best.mog.mus)
    assert repr(copy.deepcopy(humps)) == repr(humps)
    assert copy.deepcopy(humps).best.data is not None


def test_progress_tells_of_every_fit(capsys):
    mn.select(two_apart(60), [1, 2], random_state=1, progress="text", rounds=0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["fit 1: search", "fit 2: search"]
    mn.select(two_apart(60), [1, 2], random_state=1)
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_ends_all_threads(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    running = threading.active_count()
    monkeypatch.setattr(search, "run_fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        mn.select(two_apart(60), [1, 2, 3], threads=2)
    assert threading.active_count() == running
