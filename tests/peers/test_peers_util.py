"""`Stats`, `Util` and the submodules beside MultiMin's: values, types, shapes, side effects."""

from __future__ import annotations

import gzip
import importlib
import json

import numpy as np
import pytest

import mogfit
from tests.peers import multimin, quietly

RNG = np.random.default_rng(7)
SIGMAS, RHOS = RNG.uniform(0.5, 2, (3, 3)), RNG.uniform(-0.4, 0.4, (3, 3))
COVARIANCES = multimin.Stats.calc_covariance_from_correlations(SIGMAS, RHOS)
PLANE = np.array([[1.0, 0.3], [0.3, 0.8]])

# What is called, by both libraries, with the same arguments.
CALLS = [
    ("Stats", "calc_covariance_from_correlations", (SIGMAS, RHOS)),
    ("Stats", "calc_covariance_from_correlations", ([[1, 2]], [[0.5]])),
    ("Stats", "calc_correlations_from_covariances", (COVARIANCES,)),
    ("Stats", "calc_covariance_from_rotation", ([[2.0]], [[0]])),
    ("Stats", "calc_covariance_from_rotation", ([[1, 2], [2, 1]], [[0.3], [2.0]])),
    ("Stats", "calc_covariance_from_rotation", ([[1, 2]], [[0.3, 0, 0]])),
    ("Stats", "calc_covariance_from_rotation", (SIGMAS.tolist(), RHOS.tolist())),
    ("Stats", "flatten_symmetric_matrix", (np.arange(9.0).reshape(3, 3),)),
    ("Util", "f2u", (0.3, 2.0)),
    ("Util", "f2u", (np.array([0.2, 0.3]), 1)),
    ("Util", "u2f", (0.7, 10)),
    ("Util", "u2f", (np.array([0, 1.0]), 10)),
    ("Util", "t_if", ([1, 2], [0, 10], lambda x, s: x * s)),
    ("Util", "logit_transform", ([1, 2], [0, 10])),
    ("Util", "logit_transform", (np.array([[1, 2], [3, 4.0]]), [0, 10])),
    ("Util", "logit_transform", (np.array([[1, 2], [3, 4.0]]), [0, 10], True)),
    ("Util", "true_anomaly_to_mean_anomaly", (0.1, 1.0)),
    ("Util", "true_anomaly_to_mean_anomaly", (0.3, np.array([1.0, -2, 5]))),
    ("Util", "true_anomaly_to_mean_anomaly", (np.array([0.1, 0.5]), np.array([1.0, 4]))),
    ("Util", "mantisa_exp", (123.4,)),
    ("Util", "mantisa_exp", (-0.00123,)),
    ("Util", "nmd", (1.3, 0, 2)),
    ("Util", "nmd", (1, 0, 2)),
    ("Util", "nmd", (np.array([1.3, 2]), 0, 2)),
    ("Util", "nmd", ([1.0, 2.0], [0, 0], PLANE)),
    ("Util", "nmd", (np.array([[1.0, 2.0], [0, 0]]), [0, 0], PLANE)),
    ("Util", "tnmd", (0.5, 0, 2, 0, 1)),
    ("Util", "tnmd", (np.array([0.5, 2, 0.3]), 0, 2, 0, 1)),
    ("Util", "tnmd", (-0.5, 0, 2, 0, np.inf)),
    ("Util", "tnmd", (0.5, 0, 2, 0, 1, 0.5)),
    ("Util", "tnmd", ([0.5, 0.5], [0, 0], PLANE, [0, -np.inf], [1, np.inf], 0.3)),
    ("Util", "tnmd", ([[0.5, 0.5], [2, 0]], [0, 0], PLANE, [0, -np.inf], [1, np.inf], 0.3)),
]


@pytest.mark.parametrize(("owner", "name", "arguments"), CALLS)
def test_functions_give_the_same_numbers_in_the_same_form(owner, name, arguments):
    expected = getattr(getattr(multimin, owner), name)(*arguments)
    found = getattr(getattr(mogfit, owner), name)(*arguments)
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        pairs = list(zip(found, expected, strict=True))
    else:
        pairs = [(found, expected)]
        assert isinstance(found, list) is isinstance(expected, list)
    for mine, other in pairs:
        assert np.shape(mine) == np.shape(other)
        np.testing.assert_allclose(mine, other, rtol=1e-13, atol=1e-15)


def test_the_normaliser_is_exact_where_theirs_is_drawn():
    arguments = ([0.5, 0.5], [0, 0], PLANE, [0, -np.inf], [1, np.inf])
    theirs = multimin.Util.tnmd(*arguments)
    assert mogfit.Util.tnmd(*arguments) == pytest.approx(theirs, rel=0.02)


def test_matrices_are_changed_in_place():
    for library in (multimin, mogfit):
        M = np.diag([1.0, 2.0, 3.0])
        assert library.Stats.set_matrix_off_diagonal(M, [0.1, 0.2, 0.3]) is None
        np.testing.assert_array_equal(M, [[1, 0.1, 0.2], [0.1, 2, 0.3], [0.2, 0.3, 3]])
        assert library.Stats.unflatten_symmetric_matrix(np.arange(6.0), M) is None
        np.testing.assert_array_equal(M, [[0, 1, 2], [1, 3, 4], [2, 4, 5]])


@pytest.mark.parametrize(
    ("properties", "nvars", "ranges"),
    [
        (None, 3, None),
        (["x", "y"], 2, None),
        (["x"], 3, None),
        (("x", "y", "z"), 2, None),
        ({"x": {"label": "X", "range": [0, 1]}, "y": {}}, 2, None),
        (None, 2, [[0, 1], None]),
        (["x", "y"], 2, [[0, 1], [2, 3]]),
        (["x", "y"], 2, [[0, 1]]),
        (None, 30, None),
    ],
)
def test_properties_of_variables(properties, nvars, ranges):
    expected = multimin.Util.props_to_properties(properties, nvars, ranges)
    assert mogfit.Util.props_to_properties(properties, nvars, ranges) == expected


def test_errors_of_the_same_kinds():
    for library in (multimin, mogfit):
        with pytest.raises(ValueError, match=r"."):
            library.Stats.gen_index([0.2, 0.7])
        with pytest.raises(ValueError, match=r"."):
            library.Util.logit_transform(np.ones((2, 2)), [5])
        with pytest.raises(ValueError, match=r"."):
            library.Util.mantisa_exp(np.nan)


def test_indices_come_from_the_global_generator():
    for library in (multimin, mogfit):
        np.random.seed(3)  # noqa: NPY002
        first = [int(library.Stats.gen_index([0.2, 0.5, 0.3])) for _ in range(30)]
        np.random.seed(3)  # noqa: NPY002
        assert [int(library.Stats.gen_index([0.2, 0.5, 0.3])) for _ in range(30)] == first


def test_their_data_files_are_found_and_ours_hold_the_same_orbits(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    line = "complex-line.txt"
    assert mogfit.Util.get_data(line) == multimin.Util.get_data(line)
    tables = []
    for library in (multimin, mogfit):
        with gzip.open(library.Util.get_data("nea_data.json.gz")) as file:
            tables.append(json.load(file))
    theirs, ours = tables
    assert len(ours) == len(theirs)
    for name in ours[0]:
        assert [r.get(name) for r in ours] == [r.get(name) for r in theirs], name


@pytest.mark.parametrize("owner", ["Stats", "Util", "MultiPlot", "FitFunctionMoG"])
def test_every_public_name_of_theirs_is_there(owner):
    names = [name for name in dir(getattr(multimin, owner)) if not name.startswith("_")]
    assert [name for name in names if not hasattr(getattr(mogfit, owner), name)] == []


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
    for owner in ("MixtureOfGaussians", "FitMoG", "Stats"):
        quietly(getattr(multimin, owner).describe)
        getattr(mogfit, owner).describe()
        shown = capsys.readouterr().out
        for name in dir(getattr(multimin, owner)):
            if not name.startswith("_") and callable(getattr(getattr(multimin, owner), name)):
                assert f"  {name}()\n" in shown or name == "describe", name
