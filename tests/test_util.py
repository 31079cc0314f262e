"""`Util`: coordinates, densities, orbits, times and files."""

from __future__ import annotations

import doctest
import gzip
import importlib
import inspect
import json
import re

import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm, truncnorm

from mogfit import DomainError, DtypeError, InputError, Util, datasets, formulas, util


@pytest.mark.parametrize("module", [formulas, util])
def test_the_examples_of_the_documentation_run(module):
    names = {"Util": Util, **vars(module)}
    assert doctest.testmod(module, extraglobs=names).failed == 0


def test_the_unbound_coordinates_and_their_inverse():
    x = np.array([0.1, 1.0, 9.0])
    u = Util.f2u(x, 10.0)
    np.testing.assert_allclose(np.exp(u), x / (10 - x), rtol=1e-14)
    np.testing.assert_allclose(Util.u2f(u, 10.0), x, rtol=1e-14)
    assert Util.f2u(0.5, 1) == 0.0
    assert isinstance(Util.f2u(0.5, 1), float)
    assert (Util.f2u(0, 1), Util.f2u(1, 1)) == (-np.inf, np.inf)
    assert np.isnan(Util.f2u(2, 1))
    assert Util.u2f(-1000, 1) == 0.0
    with pytest.raises(InputError, match=r"^s: 0 "):
        Util.f2u(0.5, 0)


@pytest.mark.parametrize("gap", [1e-3, 1e-9, 1e-15])
def test_the_ends_of_an_interval_are_told_apart(gap):
    # x / s would round the distance to the end away.
    x = 10.0 * (1 - gap)
    with mpmath.workdps(40):
        exact = float(mpmath.log(mpmath.mpf(x) / (10 - mpmath.mpf(x))))
    assert Util.f2u(x, 10.0) == pytest.approx(exact, rel=1e-15)


def test_scales_of_zero_leave_values_alone():
    assert Util.t_if([3.0, 2.0], [0, 10], Util.f2u) == [3.0, Util.f2u(2.0, 10)]
    assert Util.t_if(iter([3.0]), [0, 10], Util.f2u) == [3.0]
    with pytest.raises(InputError, match=r"^s: 1 scales seen for 2 values"):
        Util.t_if([3.0, 2.0], [0], Util.f2u)
    data = np.array([[3.0, 2.0], [-1.0, 4.0]])
    mapped = Util.logit_transform(data, [0, 10])
    np.testing.assert_array_equal(mapped[:, 0], data[:, 0])
    np.testing.assert_array_equal(mapped[:, 1], Util.f2u(data[:, 1], 10))
    np.testing.assert_allclose(Util.logit_transform(mapped, [0, 10], inverse=True), data)
    np.testing.assert_array_equal(data, [[3.0, 2.0], [-1.0, 4.0]])
    with pytest.raises(InputError, match=r"^scales: shape \(1,\)"):
        Util.logit_transform(data, [5])


def test_the_third_argument_of_nmd_has_two_meanings():
    assert Util.nmd(1.3, 0.0, 2.0) == pytest.approx(norm.pdf(1.3, 0, 2), rel=1e-14)
    assert Util.nmd(np.float64(1.3), 0.0, 2.0) == pytest.approx(norm.pdf(1.3, 0, 2), rel=1e-14)
    for X in (1, [1.0], np.array([1.0])):
        assert Util.nmd(X, 0.0, 2.0) == pytest.approx(norm.pdf(1, 0, np.sqrt(2)), rel=1e-14)
    Sigma = np.array([[2.0, 0.5], [0.5, 1.0]])
    points = np.array([[0.0, 1.0], [2.0, -1.0]])
    expected = multivariate_normal([0, 1], Sigma).pdf(points)
    np.testing.assert_allclose(Util.nmd(points, [0, 1], Sigma), expected, rtol=1e-13)
    assert Util.nmd(points[1], [0, 1], Sigma) == pytest.approx(expected[1], rel=1e-13)


def test_a_float_has_standard_deviations_however_small():
    for width in (1e-200, 1e-3, 1e200):
        assert Util.nmd(width, 0.0, width) == pytest.approx(norm.pdf(1.0) / width, rel=1e-14)
    many = Util.nmd(0.3, [0.0, 1.0], [[1.0], [2.0]])
    np.testing.assert_allclose(many, norm.pdf(0.3, [0.0, 1.0], [[1.0], [2.0]]), rtol=1e-14)
    for width in (0, -2.0, [1.0, 0.0]):
        with pytest.raises(InputError, match=r"^Sigma: .*standard deviations > 0"):
            Util.nmd(1.3, 0.0, width)
    with pytest.raises(InputError, match=r"^Sigma: shape \(1, 3\) seen, shape \(2,\)"):
        Util.nmd(1.3, [0, 0], [[1, 2, 3]])


def test_a_grid_of_points_gives_a_grid_of_densities():
    X = np.random.default_rng(3).normal(size=(3, 4, 2))
    Sigma = np.array([[2.0, 0.5], [0.5, 1.0]])
    found = Util.nmd(X, [0, 1], Sigma)
    np.testing.assert_allclose(found, multivariate_normal([0, 1], Sigma).pdf(X), rtol=1e-13)


def exact_truncated(x, mean, variance, low, high):
    """In 40 digits, from the complement: low and high lie below the mean."""
    with mpmath.workdps(40):
        sigma = mpmath.sqrt(variance)
        below = [mpmath.erfc((mean - mpmath.mpf(t)) / sigma / mpmath.sqrt(2)) for t in (low, high)]
        mass = (below[1] - below[0]) / 2
        return float(mpmath.npdf(x, mean, sigma) / mass)


@pytest.mark.parametrize("mean", [1.5, 5.0, 50.0, 100.0, 1000.0])
def test_a_box_far_in_the_tail_is_normalised_all_the_same(mean):
    # The mass is below the smallest float from 39 standard deviations on. Its logarithm, about
    # mean^2 / 2, is rounded, which is a relative error of the density.
    exact = exact_truncated(0.9, mean, 1, 0, 1)
    tolerance = 1e-13 + 0.5 * mean**2 * np.finfo(float).eps
    assert Util.tnmd(0.9, mean, 1.0, 0.0, 1.0) == pytest.approx(exact, rel=tolerance)
    # Two independent variables, the second uniform to the eye.
    both = Util.tnmd([0.9, 0.5], [mean, 0.5], np.diag([1.0, 1e8]), 0, 1)
    assert both == pytest.approx(exact, rel=tolerance + 1e-8)


def test_a_truncated_normal_takes_a_variance_and_knows_its_normaliser():
    x = np.array([-0.5, 0.2, 0.9, 1.5])
    frozen = truncnorm((0 - 0.3) / 0.5, (1 - 0.3) / 0.5, loc=0.3, scale=0.5)
    np.testing.assert_allclose(Util.tnmd(x, 0.3, 0.25, 0, 1), frozen.pdf(x), rtol=1e-13)
    assert type(Util.tnmd(0.5, 0.3, 0.25, 0, 1)) is float
    assert Util.tnmd(0.5, 0.3, 0.25, 0, 1, Z=7.0) == pytest.approx(frozen.pdf(0.5), rel=1e-13)
    # Two independent variables, the second free: the normaliser is that of the first.
    Z = norm.cdf(1) - norm.cdf(0)
    got = Util.tnmd([0.5, 0.5], [0, 0], np.eye(2), [0, -np.inf], [1, np.inf])
    assert got == pytest.approx(norm.pdf(0.5) ** 2 / Z, rel=1e-13)
    given = Util.tnmd([[0.5, 0.5], [2, 0]], [0, 0], np.eye(2), [0, -np.inf], [1, np.inf], Z=0.3)
    np.testing.assert_allclose(given, [norm.pdf(0.5) ** 2 / 0.3, 0.0], rtol=1e-13)
    # One variable takes an array of any shape.
    np.testing.assert_allclose(
        Util.tnmd([[0.2], [0.9]], 0.3, 0.25, 0, 1), frozen.pdf([0.2, 0.9]), rtol=1e-13
    )
    assert Util.tnmd([], 0.3, 0.25, 0, 1).shape == (0,)
    with pytest.raises(DomainError, match=r"^a: 1 seen where b is 0"):
        Util.tnmd(0.5, 0.3, 0.25, 1, 0)
    with pytest.raises(InputError, match=r"^Z: .* not positive"):
        Util.tnmd([0.5, 0.5], [0, 0], np.eye(2), 0, 1, Z=0.0)
    with pytest.raises(InputError, match=r"^Sigma: 1 of 1 variance is not positive"):
        Util.tnmd(0.5, 0.3, -0.25, 0, 1)


def test_the_normaliser_is_the_probability_of_the_box():
    mean, Sigma = [0.2, -0.1, 0.4], [[1.0, 0.5, 0.2], [0.5, 2.0, -0.3], [0.2, -0.3, 0.7]]
    low, high = [-1.0, -0.5, 0.0], [1.5, 2.0, np.inf]
    # SciPy integrates by quasi-Monte-Carlo, to this accuracy; 12 sigma away is infinite enough.
    law = multivariate_normal(mean, Sigma, abseps=1e-7, releps=1e-7, maxpts=2_000_000)
    mass = law.cdf([1.5, 2.0, 10.0], lower_limit=low)
    found = Util.tnmd([0.1, 0.2, 0.3], mean, Sigma, low, high)
    assert found == pytest.approx(law.pdf([0.1, 0.2, 0.3]) / mass, rel=1e-5)


def test_mean_anomalies_solve_keplers_equation():
    for e in (0.0, 0.1, 0.9):
        for f in (-3.0, -0.5, 0.0, 1.0, 3.0):
            M = Util.true_anomaly_to_mean_anomaly(e, f)
            # From the mean anomaly on to the true one, another way.
            E = brentq(lambda E, e=e, M=M: E - e * np.sin(E) - M, -4, 4, xtol=1e-14)
            true = 2 * np.arctan2(np.sqrt(1 + e) * np.sin(E / 2), np.sqrt(1 - e) * np.cos(E / 2))
            assert true == pytest.approx(f, abs=1e-11)
    # Parabolas and hyperbolas have no mean anomaly, and nothing has a negative eccentricity.
    for e in (1.0, 1.2, -0.1, np.nan):
        assert np.isnan(Util.true_anomaly_to_mean_anomaly(e, 1.0))
    assert np.isnan(Util.true_anomaly_to_mean_anomaly(0.1, np.inf))
    both = Util.true_anomaly_to_mean_anomaly(np.array([0.1, 0.5]), np.array([1.0, 4.0]))
    assert both.shape == (2,)


@pytest.mark.parametrize(
    ("x", "mantissa", "exponent"),
    [
        (123.4, 1.234, 2),
        (-0.00123, -1.23, -3),
        (1000, 1.0, 3),
        (0, 0, 0),
        (1e-300, 1.0, -300),
        (5e-324, 5.0, -324),
    ],
)
def test_mantissa_and_exponent(x, mantissa, exponent):
    assert Util.mantisa_exp(x) == (mantissa, exponent)
    assert list(map(type, Util.mantisa_exp(x))) == [float, int]


def test_mantissas_are_below_ten_next_to_every_power_of_ten():
    for power in range(-300, 309):
        x = float(f"1e{power}")
        for value in (np.nextafter(x, 0), x, np.nextafter(x, np.inf)):
            mantissa, exponent = Util.mantisa_exp(value)
            assert 1 <= mantissa < 10
            assert float(f"{mantissa!r}e{exponent}") == pytest.approx(value, rel=3e-16)


def test_numbers_without_an_exponent_are_refused():
    for x in (float("nan"), np.inf, [1, 2]):
        with pytest.raises(InputError, match=r"^x: "):
            Util.mantisa_exp(x)
    with pytest.raises(DtypeError, match=r"^x: "):
        Util.mantisa_exp("1")


def test_times_are_told_in_fitting_units(capsys):
    seconds, (value, unit) = Util.el_time(0)
    assert capsys.readouterr().out == ""
    assert seconds >= 0
    Util.el_time()
    assert capsys.readouterr().out.startswith("Elapsed time since last call: ")
    Util.el_time(start=True)
    assert capsys.readouterr().out.startswith("Elapsed time since script start: ")
    for t, expected in ((1e-7, "ns"), (0.5, "ms"), (5, "s"), (100, "min"), (5000, "h"), (1e6, "d")):
        value, unit, length = Util._t_unit(t)
        assert unit == expected
        assert value * length == pytest.approx(t)


def test_a_decorated_function_tells_its_time_and_keeps_its_name(capsys):
    @Util.timer
    def double(x):
        """Twice."""
        return 2 * x

    assert (double(2), double.__name__, double.__doc__) == (4, "double", "Twice.")
    assert list(inspect.signature(double).parameters) == ["x"]
    assert "double executed in" in capsys.readouterr().out


def test_words_are_added_to_errors_and_taken_from_docstrings():
    error = ValueError("a")
    Util.error_msg(error, "b")
    assert error.args == ("a", "b")
    assert Util.docstring_summary("A b\n c.\n\n d") == "A b c."
    assert Util.docstring_summary(None) == ""


def test_the_asteroids_come_as_records_with_the_values_of_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = Util.get_data("nea_data.json.gz")
    assert path.startswith(str(tmp_path))
    with gzip.open(path) as file:
        # NaN is no JSON; some readers refuse it.
        records = json.load(file, parse_constant=pytest.fail)
    table = datasets.load_asteroids("q,e,i,a,H").data
    assert len(records) == len(table)
    for name, column in zip(("Perihelion_dist", "e", "i", "a", "H"), table.T, strict=True):
        values = [record.get(name, np.nan) for record in records]
        np.testing.assert_array_equal(values, column)
    assert Util.get_data("nea_data.json.gz") == path


def test_the_file_is_written_once_and_a_broken_off_one_is_never_seen(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def fail(path, content):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("mogfit.export.atomic.write_atomically", fail)
        with pytest.raises(OSError, match="disk full"):
            Util.get_data("nea_data.json.gz")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    Util.get_data("nea_data.json.gz")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    monkeypatch.setattr("mogfit.export.atomic.write_atomically", fail)
    assert [Util.get_data("nea_data.json.gz")] == [str(path) for path in written]


def test_a_relative_cache_is_passed_over_as_the_standard_says(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "_records", lambda: b"records")
    assert Util.get_data("nea_data.json.gz").startswith(str(tmp_path / ".cache" / "mogfit"))


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(datasets, "_records", lambda: b"records")
    datasets._private_folder.cache_clear()
    try:
        path = Util.get_data("nea_data.json.gz")
        assert path.startswith(str(tmp_path / "mogfit-"))
        assert datasets._private_folder().stat().st_mode & 0o077 == 0
        assert Util.get_data("nea_data.json.gz") == path
    finally:
        datasets._private_folder.cache_clear()


@pytest.mark.parametrize("installed", [True, False])
def test_another_file_is_looked_for_in_an_installed_multimin(tmp_path, monkeypatch, installed):
    package = tmp_path / "multimin"
    (package / "data").mkdir(parents=True)
    # Looked for, not imported.
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "data" / "line.txt").write_text("1 2")
    (package / "secret.txt").write_text("3")
    spec = importlib.machinery.PathFinder.find_spec("multimin", [str(tmp_path)])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec if installed else None)
    if installed:
        assert Util.get_data("line.txt") == str(package / "data" / "line.txt")
    message = r"is no data file of mogfit, which has 'nea_data.json.gz', "
    message += r"nor in the MultiMin" if installed else r"and MultiMin is not installed"
    for name in ("nope.txt", "../secret.txt", str(package / "secret.txt"), ""):
        with pytest.raises(FileNotFoundError, match=message):
            Util.get_data(name)
    with pytest.raises(DtypeError, match=r"^filename: None"):
        Util.get_data(None)


def test_every_function_of_both_helpers_is_described_and_documented(capsys):
    from mogfit import Stats

    Util.describe()
    assert "  cos()\n    Cosine element-wise.\n" in capsys.readouterr().out
    for kind in (Util, Stats):
        kind.describe()
        shown = capsys.readouterr().out
        for name in dir(kind):
            function = getattr(kind, name)
            if name.startswith("_") or not callable(function):
                continue
            assert re.search(rf"^  {name}\(\)\n    \w[\w, ']+[.:, ]", shown, re.MULTILINE), name
            # The others are NumPy's own.
            if inspect.isfunction(function) and name not in ("copy", "describe"):
                for section in ("Parameters\n---", "Examples\n---"):
                    assert section in inspect.getdoc(function), name
