"""`Util`: coordinates, densities, orbits, times and files."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm, truncnorm

from mogfit import InputError, Util, datasets


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


def test_scales_of_zero_leave_values_alone():
    assert Util.t_if([3.0, 2.0], [0, 10], Util.f2u) == [3.0, Util.f2u(2.0, 10)]
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


def test_mean_anomalies_solve_keplers_equation():
    for e in (0.0, 0.1, 0.9):
        for f in (-3.0, -0.5, 0.0, 1.0, 3.0):
            M = Util.true_anomaly_to_mean_anomaly(e, f)
            # From the mean anomaly on to the true one, another way.
            E = brentq(lambda E, e=e, M=M: E - e * np.sin(E) - M, -4, 4, xtol=1e-14)
            true = 2 * np.arctan2(np.sqrt(1 + e) * np.sin(E / 2), np.sqrt(1 - e) * np.cos(E / 2))
            assert true == pytest.approx(f, abs=1e-11)
    assert np.isnan(Util.true_anomaly_to_mean_anomaly(1.2, 1.0))
    both = Util.true_anomaly_to_mean_anomaly(np.array([0.1, 0.5]), np.array([1.0, 4.0]))
    assert both.shape == (2,)


@pytest.mark.parametrize(
    ("x", "mantissa", "exponent"),
    [(123.4, 1.234, 2), (-0.00123, -1.23, -3), (1000, 1.0, 3), (0, 0, 0), (1e-300, 1.0, -300)],
)
def test_mantissa_and_exponent(x, mantissa, exponent):
    found = Util.mantisa_exp(x)
    assert found[1] == exponent
    assert found[0] == pytest.approx(mantissa, rel=1e-15)


def test_numbers_without_an_exponent_are_refused():
    with pytest.raises(InputError, match=r"^x: "):
        Util.mantisa_exp(float("nan"))


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
        records = json.load(file)
    table = datasets.load_asteroids("q,e,i,a,H").data
    assert len(records) == len(table)
    for name, column in zip(("Perihelion_dist", "e", "i", "a", "H"), table.T, strict=True):
        values = [record.get(name, np.nan) for record in records]
        np.testing.assert_array_equal(values, column)
    assert Util.get_data("nea_data.json.gz") == path


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert Util.get_data("nea_data.json.gz").startswith(str(tmp_path / "mogfit"))


def test_another_file_that_is_nowhere_is_named():
    with pytest.raises(FileNotFoundError, match=r"'nope.txt' is no data file .*'nea_data.json.gz'"):
        Util.get_data("nope.txt")


def test_every_function_of_both_helpers_is_documented():
    from mogfit import Stats

    for kind in (Util, Stats):
        for name in dir(kind):
            if not name.startswith("_") and callable(getattr(kind, name)):
                assert getattr(kind, name).__doc__, name
