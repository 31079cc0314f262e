"""`MixtureOfGaussians` beside MultiMin's: the same calls, values, types, shapes and errors."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

import mogfit
from tests.peers import multimin, quietly

ROTATED = multimin.Stats.calc_covariance_from_rotation(
    [[1, 1.2, 2.3], [0.8, 0.2, 3.3]], np.radians([[10, 30, 20], [-20, 0, 30]])
)
MIXTURES = {
    "1-D": {"mus": [0, 2.5], "weights": [0.5, 0.5], "Sigmas": [1, 0.25]},
    "1-D truncated": {
        "mus": [0.2, 0.8],
        "weights": [0.5, 0.5],
        "Sigmas": [0.01, 0.03],
        "domain": [[0, 1]],
    },
    "1-D half-line": {"mus": [0.5], "weights": [1], "Sigmas": [2.0], "domain": [[0, np.inf]]},
    "2-D unnormalised": {
        "mus": [[0, 1], [2, 3], [1, 1]],
        "weights": [1, 2, 3],
        "Sigmas": [np.eye(2), [[2, 0.5], [0.5, 1]], 0.1 * np.eye(2)],
        "normalize_weights": False,
    },
    "3-D": {"mus": [[1, 0.5, -0.5], [1, -0.5, 0.5]], "weights": [0.2, 0.8], "Sigmas": ROTATED},
    "3-D truncated": {
        "mus": [[0, 0.3, 0], [0, 0.7, 0]],
        "weights": [0.5, 0.5],
        "Sigmas": [np.diag([0.36, 0.0225, 0.36])] * 2,
        "domain": [None, [0, 1], None],
    },
}


def both(name):
    arguments = MIXTURES[name]
    theirs = quietly(multimin.MixtureOfGaussians, **arguments)
    return theirs, mogfit.MixtureOfGaussians(**arguments)


@pytest.fixture(params=list(MIXTURES))
def pair(request):
    return both(request.param)


def test_attributes_and_vectors(pair):
    theirs, ours = pair
    for name in ("ngauss", "nvars", "Npars", "Ncor", "normalize_weights"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("weights", "mus", "Sigmas", "sigmas", "rhos", "params", "stdcorr"):
        mine, other = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        assert mine.shape == other.shape, name
        np.testing.assert_allclose(mine, other, rtol=1e-14, err_msg=name)
    assert ours._domain_bounds == [tuple(map(float, pair)) for pair in theirs._domain_bounds]


def test_long_text_and_names_of_entries(pair):
    theirs, ours = pair
    text = quietly(str, theirs)
    assert ours.str_params == theirs.str_params
    assert ours.str_stdcorr == theirs.str_stdcorr
    assert ours.bnd_stdcorr == theirs.bnd_stdcorr

    def words(lines):
        return [line for line in lines.splitlines() if "[" not in line or "," not in line]

    assert words(str(ours)) == words(text)


def test_densities_of_points(pair):
    theirs, ours = pair
    points = np.random.default_rng(1).normal(0.4, 0.6, (50, ours.nvars))
    expected = theirs.pdf(points)
    np.testing.assert_allclose(ours.pdf(points), expected, rtol=1e-11, atol=1e-300)
    one = ours.pdf(points[0])
    assert type(one) is type(theirs.pdf(points[0])) is float
    assert one == pytest.approx(expected[0], rel=1e-11)
    empty = ours.pdf(np.empty((0, ours.nvars)))
    assert empty.shape == theirs.pdf(np.empty((0, ours.nvars))).shape == (0,)
    missing = np.full((2, ours.nvars), 0.4)
    missing[0, 0] = np.nan
    np.testing.assert_array_equal(np.isnan(ours.pdf(missing)), [True, False])
    if ours.domain is None:  # theirs is 0 there when another variable is bounded
        np.testing.assert_array_equal(np.isnan(theirs.pdf(missing)), [True, False])


def test_one_variable_takes_scalars_lists_and_columns():
    theirs, ours = both("1-D")
    for X in (1.3, 1, np.float64(1.3), [0.2, 1.3], np.array([0.2, 1.3]), [[0.2], [1.3]]):
        expected = theirs.pdf(X)
        got = ours.pdf(X)
        assert np.shape(got) == np.shape(expected)
        np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("X", [[1.0, 2.0], np.zeros((4, 2)), np.zeros((2, 2, 3))])
def test_points_of_the_wrong_shape_are_refused_by_both(X):
    for mog in both("3-D"):
        with pytest.raises(ValueError, match=r"."):
            mog.pdf(X)


def test_draws_have_the_same_shape_and_repeat_after_the_same_seed(pair):
    theirs, ours = pair
    assert ours.rvs(0).shape == quietly(theirs.rvs, 0).shape
    assert ours.rvs(7).shape == quietly(theirs.rvs, 7).shape
    np.random.seed(5)  # noqa: NPY002
    first = ours.rvs(5)
    np.random.seed(5)  # noqa: NPY002
    np.testing.assert_array_equal(ours.rvs(5), first)
    assert (ours.pdf(first) > 0).all()


def test_parameters_are_set_alike():
    theirs, ours = both("3-D")
    for mog in (theirs, ours):
        mog.update_params(weights=[0.5, 0.5], sigmas=[1.0, 2.0, 3.0], rhos=[0.1, -0.2, 0.3])
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-14)
    for mog in (theirs, ours):
        mog.set_stdcorr(ours.stdcorr, 3)
    np.testing.assert_allclose(ours.stdcorr, theirs.stdcorr, rtol=1e-14)
    vector = np.concatenate([[1, 3], np.arange(6.0), np.tile([2, 0.1, 0, 2, 0.1, 2], 2)])
    for mog in (theirs, ours):
        mog.set_params(vector, nvars=3)
    # Theirs keeps the weights in this vector as they were given: 1 and 3.
    np.testing.assert_allclose(ours.params[2:], theirs.params[2:], rtol=1e-14)
    np.testing.assert_allclose(ours.params[:2], [0.25, 0.75])
    np.testing.assert_allclose(ours.weights, theirs.weights)
    for mog in (theirs, ours):
        mog.set_sigmas([np.eye(3), 2 * np.eye(3)])
        mog.set_domain([None, [0, 1], None])
    np.testing.assert_allclose(ours.pdf([1, 0.5, 1]), theirs.pdf([1, 0.5, 1]), rtol=1e-11)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda mog: mog.set_params([1, 2], 0),
        lambda mog: mog.set_params([], 3),
        lambda mog: mog.set_sigmas(np.eye(3)),
        lambda mog: mog.set_domain([[0, 1]]),
        lambda mog: mog.set_domain([None, [1, 0], None]),
        lambda mog: mog.update_params(mus=[1, 2]),
        lambda mog: mog.drop(2),
    ],
)
def test_what_cannot_be_set_is_refused_by_both(wrong):
    for mog in both("3-D"):
        with pytest.raises(ValueError, match=r"."):
            quietly(wrong, mog)


def test_a_component_is_dropped_and_the_vectors_follow():
    theirs, ours = both("2-D unnormalised")
    for mog in (theirs, ours):
        quietly(mog.drop, 1)
    np.testing.assert_allclose(ours.mus, theirs.mus)
    np.testing.assert_allclose(ours.pdf([[1, 1]]), theirs.pdf([[1, 1]]), rtol=1e-12)
    # MultiMin's own vectors keep the old weights here (its README's quirk): ours are consistent.
    np.testing.assert_array_equal(ours.params[:2], ours.weights)


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_the_likelihood_of_a_sample(verbose):
    theirs, ours = both("1-D")
    data = np.random.default_rng(2).normal(size=(30, 1))
    scales = [1, 1, 0, 0, 10, 10]
    uparams = [0.3, -0.2, 0.1, 2.0, -2.0, -3.0]
    values = []
    for mog in (theirs, ours):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            values.append(
                mog.sample_mog_likelihood(
                    uparams, data=data, pmap=lambda m: m, scales=scales, verbose=verbose
                )
            )
        assert bool(shown.getvalue()) == (verbose > 0)
    assert values[1] == pytest.approx(values[0], rel=1e-13)
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-14)
    np.testing.assert_allclose(ours.sigmas, theirs.sigmas, rtol=1e-14)


def test_published_densities():
    _, ours = both("1-D")
    assert ours.pdf(1.3) == pytest.approx(0.10807882631874657, rel=1e-13)
    _, truncated = both("1-D truncated")
    assert truncated.pdf(0.5) == pytest.approx(0.3160530018742784, rel=1e-13)
    assert truncated.pdf(-0.1) == 0.0


def test_every_method_of_theirs_is_there():
    names = [name for name in dir(multimin.MixtureOfGaussians) if not name.startswith("_")]
    assert [name for name in names if not hasattr(mogfit.MixtureOfGaussians, name)] == []
