"""`Stats`, `Util` and the submodules beside MultiMin's: values, types, shapes, side effects."""

from __future__ import annotations

import gzip
import importlib
import inspect
import json
import warnings

import numpy as np
import pandas as pd
import pytest

import mogfit
from mogfit import DomainError, DtypeError, InputError, MoGError
from tests.peers import multimin, quietly

RNG = np.random.default_rng(7)
SIGMAS, RHOS = RNG.uniform(0.5, 2, (3, 3)), RNG.uniform(-0.4, 0.4, (3, 3))
COVARIANCES = multimin.Stats.calc_covariance_from_correlations(SIGMAS, RHOS)
PLANE = np.array([[1.0, 0.3], [0.3, 0.8]])
INDEFINITE = [[1, 2], [2, 1]]
INF = np.inf


def product(x, s):
    return x * s


# What is called, by both libraries, with the same arguments, and gives the same.
CALLS = [
    ("Stats", "calc_covariance_from_correlations", (SIGMAS, RHOS)),
    ("Stats", "calc_covariance_from_correlations", ([[1, 2]], [[0.5]])),
    ("Stats", "calc_covariance_from_correlations", (np.array([[2.0]]), np.empty((1, 0)))),
    ("Stats", "calc_covariance_from_correlations", (np.array([[1, -2]]), np.array([[1.5]]))),
    ("Stats", "calc_covariance_from_correlations", (np.array([[0, 1]]), np.array([[0.5]]))),
    ("Stats", "calc_correlations_from_covariances", (COVARIANCES,)),
    ("Stats", "calc_correlations_from_covariances", ([[[4.0]]],)),
    ("Stats", "calc_correlations_from_covariances", ([[[1, 0.5], [0.3, 1]]],)),
    ("Stats", "calc_covariance_from_rotation", ([[2.0]], [[0]])),
    ("Stats", "calc_covariance_from_rotation", ([[2.0]], [[]])),
    ("Stats", "calc_covariance_from_rotation", ([[1, 2], [2, 1]], [[0.3], [2.0]])),
    ("Stats", "calc_covariance_from_rotation", ([[1, 2]], [[0.3, 0, 0]])),
    ("Stats", "calc_covariance_from_rotation", (SIGMAS.tolist(), RHOS.tolist())),
    ("Stats", "calc_covariance_from_rotation", (np.array([[1, 2]]), np.array([[0.3]]))),
    ("Stats", "flatten_symmetric_matrix", (np.arange(9.0).reshape(3, 3),)),
    ("Stats", "flatten_symmetric_matrix", (np.array([[5]]),)),
    ("Util", "f2u", (0.3, 2.0)),
    ("Util", "f2u", (1, 2)),
    ("Util", "f2u", (0, 1)),
    ("Util", "f2u", (2, 1)),
    ("Util", "f2u", (-1, 1)),
    ("Util", "f2u", (np.nan, 1)),
    ("Util", "f2u", (np.array([0.2, 0.3]), 1)),
    ("Util", "f2u", (np.array([0.0, 1.0, 2.0]), 1)),
    ("Util", "f2u", (np.array([]), 1)),
    ("Util", "u2f", (0.7, 10)),
    ("Util", "u2f", (0, 1)),
    ("Util", "u2f", (-1000, 1)),
    ("Util", "u2f", (1000, 1)),
    ("Util", "u2f", (INF, 2)),
    ("Util", "u2f", (np.nan, 1)),
    ("Util", "u2f", (np.array([0, 1.0]), 10)),
    ("Util", "u2f", (np.array(1.0), np.array([1, 2]))),
    ("Util", "t_if", ([1, 2], [0, 10], product)),
    ("Util", "t_if", ([], [], product)),
    ("Util", "t_if", ([1], [0, 10], product)),
    ("Util", "t_if", (np.array([1.0, 2]), np.array([1, -1]), product)),
    ("Util", "logit_transform", ([1, 2], [0, 10])),
    ("Util", "logit_transform", ([1, 2], [0, 10], True)),
    ("Util", "logit_transform", ([[1, 20], [0, 0], [0, 10]], [0, 10])),
    ("Util", "logit_transform", ([[1, -2]], [-1, 10])),
    ("Util", "logit_transform", (np.array([[1, 2], [3, 4.0]]), [0, 10])),
    ("Util", "logit_transform", (np.array([[1, 2], [3, 4.0]]), [0, 10], True)),
    ("Util", "true_anomaly_to_mean_anomaly", (0, 1)),
    ("Util", "true_anomaly_to_mean_anomaly", (0.1, 1.0)),
    ("Util", "true_anomaly_to_mean_anomaly", (0.1, np.pi)),
    ("Util", "true_anomaly_to_mean_anomaly", (0.1, -np.pi)),
    ("Util", "true_anomaly_to_mean_anomaly", (0.5, 7.0)),
    ("Util", "true_anomaly_to_mean_anomaly", (1.2, 1.0)),
    ("Util", "true_anomaly_to_mean_anomaly", (0.3, np.array([1.0, -2, 5]))),
    ("Util", "true_anomaly_to_mean_anomaly", (np.array([0.1, 0.5]), np.array([1.0, 4]))),
    *(("Util", "mantisa_exp", (x,)) for x in (123.4, -0.00123, 1, 1000, 0.001, 1e15, 1e-300)),
    *(("Util", "_t_unit", (t,)) for t in (0, 1e-10, 5e-5, 0.5, 59, 61, 5000, 1e6, -1)),
    *(("Util", "docstring_summary", (d,)) for d in ("A b\n c.\n\n d", None, "", "\n\n x\n y\n\nz")),
    ("Util", "nmd", (1.3, 0, 2)),
    ("Util", "nmd", (np.float64(1.3), 0, 2)),
    ("Util", "nmd", (1e-200, 0, 1e-200)),
    ("Util", "nmd", (np.nan, 0, 1)),
    ("Util", "nmd", (INF, 0, 1)),
    ("Util", "nmd", (1.3, [0], [[2]])),
    ("Util", "nmd", (1.3, [0, 1], [1, 2])),
    ("Util", "nmd", (1, 0, 2)),
    ("Util", "nmd", (np.int64(1), 0, 2)),
    ("Util", "nmd", (np.float32(1.3), 0, 2)),
    ("Util", "nmd", (np.array(1.3), 0, 2)),
    ("Util", "nmd", ([1.3], 0, 2)),
    ("Util", "nmd", (np.array([1.3, 2]), 0, 2)),
    ("Util", "nmd", ([[1.0], [2.0]], 0, 2)),
    ("Util", "nmd", (np.empty(0), 0, 1)),
    ("Util", "nmd", ([1.0, 2.0], [0, 0], PLANE)),
    ("Util", "nmd", ([1.0, 2.0], [0, 0], 2.0)),
    ("Util", "nmd", ([1.0, 2.0], [0, 0], [1, 4])),
    ("Util", "nmd", ([np.nan, 2.0], [0, 0], PLANE)),
    ("Util", "nmd", (np.empty((0, 2)), [0, 0], PLANE)),
    ("Util", "nmd", (np.array([[1.0, 2.0], [0, 0]]), [0, 0], PLANE)),
    ("Util", "nmd", (RNG.normal(size=(3, 4, 2)), [0, 0], PLANE)),
    ("Util", "tnmd", (0.5, 0, 2, 0, 1)),
    ("Util", "tnmd", (0, 0, 2, 0, 1)),
    ("Util", "tnmd", (1, 0, 2, 0, 1)),
    ("Util", "tnmd", ([0.5], 0, 2, 0, 1)),
    ("Util", "tnmd", (np.nan, 0, 2, 0, 1)),
    ("Util", "tnmd", (np.empty(0), 0, 2, 0, 1)),
    ("Util", "tnmd", (np.array([[0.5, 0.6], [2, 0.3]]), 0, 2, 0, 1)),
    ("Util", "tnmd", (np.array([0.5, 2, 0.3]), 0, 2, 0, 1)),
    ("Util", "tnmd", (-0.5, 0, 2, 0, INF)),
    ("Util", "tnmd", (0.5, 0, 2, -INF, INF)),
    ("Util", "tnmd", (0.5, 0, 2, 0, 1, 0.5)),
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], PLANE, 0, 1, 0.3)),
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], [1, 4], [0, 0], [1, 1], 0.3)),
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], PLANE, [0, -INF], [1, INF], 0.3)),
    ("Util", "tnmd", ([[0.5, 0.5], [2, 0]], [0, 0], PLANE, [0, -INF], [1, INF], 0.3)),
    ("Util", "tnmd", (np.empty((0, 2)), [0, 0], PLANE, [0, 0], [1, 1], 0.5)),
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], PLANE, [-INF, -INF], [INF, INF])),
]


def called(library, owner, name, arguments):
    with warnings.catch_warnings():
        # MultiMin lets NumPy warn of what comes out infinite.
        warnings.simplefilter("ignore" if library is multimin else "error")
        return getattr(getattr(library, owner), name)(*arguments)


@pytest.mark.parametrize(("owner", "name", "arguments"), CALLS)
def test_functions_give_the_same_numbers_in_the_same_form(owner, name, arguments):
    expected = called(multimin, owner, name, arguments)
    found = called(mogfit, owner, name, arguments)
    if name == "docstring_summary":
        assert found == expected
        return
    assert isinstance(found, type(expected))
    several = isinstance(expected, tuple)
    for mine, other in zip(*(r if several else [r] for r in (found, expected)), strict=True):
        # Whole numbers and floats may stand for each other, arrays and numbers may not.
        assert isinstance(mine, np.ndarray) is isinstance(other, np.ndarray)
        assert isinstance(mine, float) is isinstance(other, float) or mine == other
        if isinstance(other, str):
            assert mine == other
        else:
            assert np.shape(mine) == np.shape(other)
            np.testing.assert_allclose(mine, other, rtol=1e-13, atol=1e-15)


# What MultiMin refuses and so does mogfit: its kind of error, or ValueError and TypeError by name.
REFUSED = [
    ("Stats", "gen_index", ([0.2, 0.7],)),
    ("Stats", "gen_index", ([0.5, 0.50002],)),
    ("Stats", "gen_index", ([np.nan, 1],)),
    ("Stats", "gen_index", ([],)),
    ("Stats", "gen_index", ([[0.5, 0.5]],)),
    ("Stats", "set_matrix_off_diagonal", (np.eye(3), [0.1])),
    ("Stats", "set_matrix_off_diagonal", ([[1, 0], [0, 1]], [0.5])),
    ("Stats", "set_matrix_off_diagonal", (np.ones((2, 3)), [1, 2, 3])),
    ("Stats", "unflatten_symmetric_matrix", ([1, 2], np.eye(2))),
    ("Stats", "unflatten_symmetric_matrix", ([1, 2, 3, 4], np.eye(2))),
    ("Stats", "flatten_symmetric_matrix", (np.arange(3),)),
    ("Stats", "calc_covariance_from_correlations", (np.array([1, 2]), np.array([0.5]))),
    ("Stats", "calc_covariance_from_correlations", (np.array([[1, 2]]), np.array([0.5]))),
    ("Stats", "calc_covariance_from_correlations", (SIGMAS, RHOS[:, :2])),
    ("Stats", "calc_correlations_from_covariances", (PLANE,)),
    ("Stats", "calc_correlations_from_covariances", ([],)),
    ("Stats", "calc_correlations_from_covariances", (np.ones((1, 2, 3)),)),
    ("Stats", "calc_covariance_from_rotation", ([1, 2], [0.3])),
    ("Stats", "calc_covariance_from_rotation", ([[1, 2]], [0.3])),
    ("Stats", "calc_covariance_from_rotation", ([[1, 2, 3]], [[0.1, 0.2]])),
    ("Stats", "calc_covariance_from_rotation", ([[1, 2, 3, 4]], [[0.1, 0.2, 0.3]])),
    ("Util", "f2u", (0.5, 0)),
    ("Util", "t_if", ([1, 2, 3], [0, 10], product)),
    ("Util", "logit_transform", (np.ones((2, 2)), [5])),
    ("Util", "logit_transform", ([1, 2, 3], 10)),
    ("Util", "logit_transform", (np.ones((2, 2, 3)), [1, 2])),
    ("Util", "mantisa_exp", (np.nan,)),
    ("Util", "mantisa_exp", ("a",)),
    ("Util", "mantisa_exp", ([1, 2],)),
    ("Util", "nmd", (1, 0, -2)),
    ("Util", "nmd", ([1.0, 2.0], [0, 0], INDEFINITE)),
    ("Util", "nmd", ([1.0, 2.0], [0, 0], np.ones((2, 2)))),
    ("Util", "nmd", ([1.0, 2.0, 3.0], [0, 0], PLANE)),
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], INDEFINITE, [0, 0], [1, 1], 0.5)),
    ("Util", "props_to_properties", (5, 2)),
    ("Util", "get_data", (None,)),
]


@pytest.mark.parametrize(("owner", "name", "arguments"), REFUSED)
def test_what_multimin_refuses_is_refused_with_an_error_of_our_own(owner, name, arguments):
    # Ours name the argument, and are a ValueError or a TypeError whatever fell over there.
    with pytest.raises(Exception) as theirs:  # noqa: PT011  (whatever comes out of NumPy and SciPy)
        called(multimin, owner, name, arguments)
    with pytest.raises(MoGError, match=r"^\w+: ") as ours:
        called(mogfit, owner, name, arguments)
    if type(theirs.value) is ValueError:
        assert isinstance(ours.value, ValueError)


# Where MultiMin gives a number that means nothing, or drops some of what it was given.
STRICTER = [
    ("Stats", "gen_index", ([1.2, -0.2],), InputError),  # draws from what is no probability
    ("Stats", "set_matrix_off_diagonal", (np.eye(2), [1, 2]), InputError),  # drops the 2
    ("Stats", "set_matrix_off_diagonal", (np.eye(2, dtype=int), [0.7]), DtypeError),  # writes 0
    ("Stats", "unflatten_symmetric_matrix", ([1.5, 2, 3], np.eye(2, dtype=int)), DtypeError),
    # The second component gets no correlation.
    ("Stats", "calc_covariance_from_correlations", (np.ones((2, 2)), np.ones((1, 1))), InputError),
    # The second component is dropped.
    ("Stats", "calc_covariance_from_rotation", ([[1, 2], [3, 4]], [[0.3]]), InputError),
    ("Stats", "flatten_symmetric_matrix", (np.ones((2, 3)),), InputError),  # drops a column
    ("Util", "nmd", (1.3, 0, -2), InputError),  # NaN
    ("Util", "nmd", (1.3, 0, 0), InputError),  # NaN
    ("Util", "nmd", (1.3, np.nan, 1), InputError),  # NaN
    ("Util", "tnmd", (0.5, 0, -2, 0, 1), InputError),  # NaN
    ("Util", "tnmd", (0.5, 0, 2, 1, 0), DomainError),  # NaN
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], PLANE, [1, 1], [0, 0], 0.5), DomainError),  # 0
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], PLANE, [0, 0], [1, 1], 0.0), InputError),  # inf
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], PLANE, [0, 0], [1, 1], -1.0), InputError),  # 1e-300
    ("Util", "mantisa_exp", (INF,), InputError),  # (0, 0)
    ("Util", "props_to_properties", (["x", "x"], 2), InputError),  # one variable of the two
]


@pytest.mark.parametrize(("owner", "name", "arguments", "error"), STRICTER)
def test_what_would_go_wrong_without_a_word_is_refused(owner, name, arguments, error):
    called(multimin, owner, name, tuple(np.copy(a) if np.ndim(a) else a for a in arguments))
    with pytest.raises(error, match=r"^\w+: "):
        called(mogfit, owner, name, arguments)


# Where mogfit has an answer and MultiMin none, or another.
DIFFERENT = [
    # Lists are arrays.
    ("Util", "f2u", ([0.5, 0.9], 1), [0.0, np.log(9)]),
    ("Util", "u2f", ([0.0, np.log(9)], 1), [0.5, 0.9]),
    ("Util", "true_anomaly_to_mean_anomaly", ([0.0, 0.0], [1, 2]), [1.0, 2.0]),
    ("Stats", "flatten_symmetric_matrix", ([[1, 2], [2, 3]],), [1, 2, 3]),
    # One kind of number at the end of an interval, whether it is Python's or NumPy's.
    ("Util", "f2u", (1, 1), INF),
    # One variable has no correlations.
    ("Stats", "calc_covariance_from_correlations", (np.array([[2.0]]), np.array([])), [[[4.0]]]),
    # No ellipse has such an eccentricity.
    ("Util", "true_anomaly_to_mean_anomaly", (-0.1, 1.0), np.nan),
    ("Util", "true_anomaly_to_mean_anomaly", (1, 1.0), np.nan),
    # The digits know the exponent where logarithms round, and there are no infinite mantissas.
    ("Util", "mantisa_exp", (5e-324,), (5.0, -324)),
    ("Util", "mantisa_exp", (999.9999999999999,), (9.999999999999999, 2)),
    # Nothing is floored at 1e-300, and a NaN is not outside of a box.
    ("Util", "tnmd", ([0.5, 0.5], [60, 0], np.eye(2), [0, 0], [1, 1], 0.5), 0.0),
    ("Util", "tnmd", ([0.5, np.nan], [0, 0], PLANE, [0, 0], [1, 1], 0.5), np.nan),
    # The largest unit of which there is one.
    ("Util", "_t_unit", (60,), (1.0, "min", 60)),
]


@pytest.mark.parametrize(("owner", "name", "arguments", "expected"), DIFFERENT)
def test_what_is_different_on_purpose(owner, name, arguments, expected):
    found = called(mogfit, owner, name, arguments)
    try:
        theirs = called(multimin, owner, name, arguments)
    except (TypeError, AttributeError, AssertionError, ZeroDivisionError):
        pass
    else:
        assert theirs != found
    if isinstance(expected, tuple):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_zero_has_an_exponent_without_a_warning():
    with pytest.warns(RuntimeWarning, match=r"."):
        theirs = multimin.Util.mantisa_exp(0)
    assert mogfit.Util.mantisa_exp(0) == theirs == (0, 0)


def test_the_normaliser_is_exact_where_theirs_is_drawn():
    arguments = ([0.5, 0.5], [0, 0], PLANE, [0, -INF], [1, INF])
    theirs = multimin.Util.tnmd(*arguments)
    # 50,000 draws, of which the share p = 0.34 is inside: five times sqrt((1 - p) / (50,000 p)).
    assert mogfit.Util.tnmd(*arguments) == pytest.approx(theirs, rel=0.032)
    far = ([0.5, 0.5], [60, 0], np.eye(2), [0, 0], [1, 1])
    assert multimin.Util.tnmd(*far) == 1e-300
    first = mogfit.Util.tnmd(0.5, 60, 1, 0, 1)
    assert mogfit.Util.tnmd(*far) == pytest.approx(first * mogfit.Util.tnmd(0.5, 0, 1, 0, 1))


def test_matrices_are_changed_in_place():
    for library in (multimin, mogfit):
        M = np.diag([1.0, 2.0, 3.0])
        assert library.Stats.set_matrix_off_diagonal(M, [0.1, 0.2, 0.3]) is None
        np.testing.assert_array_equal(M, [[1, 0.1, 0.2], [0.1, 2, 0.3], [0.2, 0.3, 3]])
        assert library.Stats.unflatten_symmetric_matrix(np.arange(6.0), M) is None
        np.testing.assert_array_equal(M, [[0, 1, 2], [1, 3, 4], [2, 4, 5]])
        whole = np.eye(2, dtype=int)
        library.Stats.unflatten_symmetric_matrix([1, 2, 3], whole)
        np.testing.assert_array_equal(whole, [[1, 2], [2, 3]])
        one = np.eye(1)
        library.Stats.set_matrix_off_diagonal(one, [])
        np.testing.assert_array_equal(one, [[1]])


@pytest.mark.parametrize(
    ("properties", "nvars", "ranges"),
    [
        (None, 0, None),
        (None, 3, None),
        (["x", "y"], 2, None),
        (np.array(["x", "y"]), 2, None),
        ("xy", 2, None),
        ("x", 1, None),
        ([], 2, None),
        (["x"], 3, None),
        (("x", "y", "z"), 2, None),
        ({"x": {"label": "X", "range": [0, 1]}, "y": {}}, 2, None),
        ({"x": {"range": [0, 1]}}, 1, [[5, 6]]),
        (None, 2, [[0, 1], None]),
        (["x", "y"], 2, [[0, 1], [2, 3]]),
        (["x", "y"], 2, [[0, 1]]),
        (None, 30, None),
    ],
)
def test_properties_of_variables(properties, nvars, ranges):
    expected = multimin.Util.props_to_properties(properties, nvars, ranges)
    assert mogfit.Util.props_to_properties(properties, nvars, ranges) == expected


def test_properties_that_are_completed_rather_than_left_out():
    # A dict that names some variables leaves MultiMin without the others.
    assert list(multimin.Util.props_to_properties({"x": {}}, 2)) == ["x"]
    assert list(mogfit.Util.props_to_properties({"x": {}}, 2)) == ["x", "b"]
    # It takes the None for a label, and drops what is not a label or a range.
    assert mogfit.Util.props_to_properties({"x": None}, 1)["x"]["label"] == "x"
    assert mogfit.Util.props_to_properties({"x": {"unit": "au"}}, 1)["x"]["unit"] == "au"
    # A range is a list of floats, whatever it came as.
    assert mogfit.Util.props_to_properties(["x"], 1, [(0, 1)])["x"]["range"] == [0.0, 1.0]


@pytest.mark.parametrize("probs", [[0.2, 0.5, 0.3], [1.0], (0.5, 0.5 + 9e-6), [0, 0, 1.0]])
def test_the_same_indices_come_of_the_global_generator(probs):
    drawn = []
    for library in (multimin, mogfit):
        np.random.seed(3)  # noqa: NPY002
        indices = [library.Stats.gen_index(probs) for _ in range(200)]
        assert {type(index) for index in indices} == {np.int64}
        drawn.append([*map(int, indices), np.random.rand()])  # noqa: NPY002
    assert drawn[0] == drawn[1]


def test_errors_get_the_same_words():
    for library in (multimin, mogfit):
        for before in ((), ("a",), ("a", 1)):
            error = ValueError(*before)
            assert library.Util.error_msg(error, "b") is None
            assert error.args == (*before, "b")


def test_times_are_told_alike(capsys):
    for start in (False, True):
        shown = []
        for library in (multimin, mogfit):
            library.Util.el_time(0)
            assert capsys.readouterr().out == ""
            seconds, (value, unit) = library.Util.el_time(1, start)
            shown.append(capsys.readouterr().out.replace(f"{value:.6g} {unit}", "-"))
            assert seconds == library.Util.DTIME
            assert [value, unit] == library.Util.DUTIME
        assert shown[0] == shown[1]


def test_decorated_functions_tell_their_time_alike(capsys):
    shown = []
    for library in (multimin, mogfit):

        def triple(x, *, plus=0):
            """Thrice."""
            return 3 * x + plus

        timed = library.Util.timer(triple)
        assert timed(2, plus=1) == 7
        words = capsys.readouterr().out.split()
        assert float(words.pop(-2)) >= 0
        shown.append(words)
        # MultiMin's lose their name and docstring.
        assert (timed.__doc__ == "Thrice.") is (library is mogfit)
        with pytest.raises(TypeError):
            timed(None)
        assert capsys.readouterr().out == ""
    assert shown[0] == shown[1]


@pytest.mark.parametrize("name", ["sin", "cos", "log", "exp"])
def test_functions_of_numpy_are_those_of_numpy(name):
    assert getattr(mogfit.Util, name) is getattr(multimin.Util, name) is getattr(np, name)


def test_the_golden_ratio_is_the_same():
    assert mogfit.Stats.phi == multimin.Stats.phi


def test_their_data_files_are_found_and_ours_hold_the_same_orbits(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("complex-line.txt", "fit-20mog-unbounded.pkl"):
        assert mogfit.Util.get_data(name) == multimin.Util.get_data(name)
    tables = []
    for library in (multimin, mogfit):
        with gzip.open(library.Util.get_data("nea_data.json.gz")) as file:
            tables.append(json.load(file))
    theirs, ours = tables
    assert len(ours) == len(theirs)
    assert set(ours[0]) == {"a", "e", "i", "H", "Perihelion_dist"}
    for name in ours[0]:
        assert [r.get(name) for r in ours] == [r.get(name) for r in theirs], name
    # What is not in our catalogue, as the documentation says.
    assert len(set().union(*theirs) - set().union(*ours)) == 32


def test_the_asteroids_are_read_by_pandas_alike(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    theirs, ours = (
        pd.read_json(library.Util.get_data("nea_data.json.gz")) for library in (multimin, mogfit)
    )
    pd.testing.assert_frame_equal(ours, theirs[list(ours.columns)])


@pytest.mark.parametrize("owner", ["Stats", "Util", "MultiMinBase", "MultiPlot", "FitFunctionMoG"])
def test_every_public_name_of_theirs_is_there(owner):
    names = [name for name in dir(getattr(multimin, owner)) if not name.startswith("_")]
    assert [name for name in names if not hasattr(getattr(mogfit, owner), name)] == []


@pytest.mark.parametrize("owner", ["Stats", "Util"])
def test_functions_take_the_same_arguments(owner):
    for name in dir(getattr(multimin, owner)):
        theirs = getattr(getattr(multimin, owner), name)
        if name.startswith("_") or not callable(theirs) or isinstance(theirs, np.ufunc):
            continue
        ours = inspect.signature(getattr(getattr(mogfit, owner), name)).parameters.values()
        expected = inspect.signature(theirs).parameters.values()
        assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in expected], name


@pytest.mark.parametrize("module", ["base", "util", "mog", "fitting", "plotting", "cmog"])
def test_every_class_and_function_of_their_modules_is_there(module):
    theirs = importlib.import_module(f"multimin.{module}")
    ours = importlib.import_module(f"mogfit.{module}")
    public = [
        name
        for name, value in vars(theirs).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("multimin")
    ]
    assert [name for name in public if not hasattr(ours, name)] == []


def test_descriptions_list_the_same_methods(capsys):
    for owner in ("MixtureOfGaussians", "FitMoG", "Stats", "Util"):
        quietly(getattr(multimin, owner).describe)
        getattr(mogfit, owner).describe()
        shown = capsys.readouterr().out
        for name in dir(getattr(multimin, owner)):
            if not name.startswith("_") and callable(getattr(getattr(multimin, owner), name)):
                assert f"  {name}()\n" in shown or name == "describe", name
