"""`Prior`: what it takes, refuses, and fills in from the data."""

from __future__ import annotations

import doctest
import pickle

import numpy as np
import pytest

import mogfit.fixed
import mogfit.parameters
import mogfit.prior
from mogfit import DtypeError, InputError, Prior


def test_values_are_kept_and_cannot_change():
    prior = Prior([1.0, 2.0], [0.0, 1.0], 0.5, 5, np.eye(2))
    assert prior.dof == 5.0
    assert prior.mean_strength == 0.5
    np.testing.assert_array_equal(prior.concentration, [1.0, 2.0])
    with pytest.raises(AttributeError):
        prior.dof = 6.0
    with pytest.raises(ValueError, match="read-only"):
        prior.scale[0, 0] = 2.0


def test_what_is_left_out_comes_from_the_data():
    location, covariance = np.array([1.0, 2.0, 3.0]), np.diag([4.0, 5.0, 6.0])
    values = Prior().resolved(location, covariance, 8)
    np.testing.assert_array_equal(values.concentration, np.ones(8))
    np.testing.assert_array_equal(values.mean, location)
    assert values.mean_strength == 0.01
    assert values.dof == 5.0
    np.testing.assert_allclose(values.scale, covariance / 4.0)  # 8^(2/3)
    assert values.exchangeable
    given = Prior([1.0, 2.0], np.zeros(3), 2.0, 9.0, np.eye(3)).resolved(location, covariance, 2)
    np.testing.assert_array_equal(given.mean, np.zeros(3))
    np.testing.assert_array_equal(given.scale, np.eye(3))
    assert (given.dof, given.exchangeable) == (9.0, False)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"concentration": [2.0, 0.5, 0.1]},
            r"^concentration: 2 of 3 values are below 1, first at component 1: 0.5; allowed",
        ),
        ({"concentration": 0.0}, "a weight would run to 0"),
        ({"concentration": np.nan}, r"^concentration: nan .* a finite number"),
        ({"concentration": []}, "one number, or one for each component"),
        ({"concentration": np.inf}, r"^concentration: inf .* allowed: a finite number"),
        (
            {"concentration": [1.0, 1e13]},
            r"^concentration: 1 of 2 values is above 1e\+12, first",
        ),
        ({"mean_strength": -1.0}, r"^mean_strength: -1.0 .* allowed: a number from 0 to 1e\+12$"),
        ({"mean_strength": 1e13}, "mean_strength"),
        ({"dof": 1e13}, r"^dof: .* allowed: a number > V - 1, at most 1e\+12, or None"),
        ({"mean_strength": "1"}, "mean_strength"),
        ({"mean_strength": np.inf}, "mean_strength"),
        ({"dof": 0}, r"^dof: 0 .* allowed: a number > V - 1"),
        ({"dof": True}, "dof"),
        ({"mean": [[1.0]]}, r"^mean: shape \(1, 1\) seen, one value for each variable"),
        ({"scale": [1.0, 2.0]}, r"^scale: shape \(2,\) seen, a square matrix"),
        ({"scale": [[1.0, 2.0], [2.0, 1.0]]}, r"^scale: the matrix is not positive definite"),
        ({"scale": [[1.0, 1.0], [1.0, 1.0]]}, r"^scale: the matrix is singular: rank 1 of 2"),
        ({"scale": [[1.0, 0.5], [0.4, 1.0]]}, r"^scale: the matrix is not symmetric"),
        ({"scale": 0.0}, r"^scale: 1 of 1 variance is not positive, first at variable 0: 0"),
    ],
)
def test_values_out_of_range_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        Prior(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"mean": [0.0, 1e12]},
            r"^prior: mean: 2.0e\+11 standard .* away .* in variable 1;",
        ),
        (
            {"scale": np.diag([1e30, 1.0])},
            r"^prior: scale: 1.0e\+15 standard .* wide in variable",
        ),
    ],
)
def test_what_drowns_the_data_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        Prior(**values).resolved(np.zeros(2), np.diag([1.0, 25.0]), 3)


@pytest.mark.parametrize("default", [True, np.True_])
def test_true_stands_for_the_default(default):
    assert repr(mogfit.prior.check_prior(default, 2, 3)) == repr(Prior())
    assert mogfit.prior.check_prior(not default, 2, 3) is None


@pytest.mark.parametrize("name", ["concentration", "mean", "scale"])
def test_what_is_no_number_is_refused(name):
    with pytest.raises(DtypeError, match=f"^{name}: "):
        Prior(**{name: "wide"})


def test_doctests():
    for module in (mogfit.prior, mogfit.fixed, mogfit.parameters):
        found = doctest.testmod(module)
        assert (found.failed, found.attempted > 0) == (0, True)


def test_text_and_pickles():
    prior = Prior(concentration=[1.0, 3.0], scale=np.eye(2))
    text = repr(prior)
    assert text == (
        "Prior(concentration=[1.0, 3.0], mean=None, mean_strength=0.01, dof=None, "
        "scale=[[1.0, 0.0], [0.0, 1.0]])"
    )
    assert repr(eval(text)) == text
    assert repr(pickle.loads(pickle.dumps(prior))) == text
    assert repr(Prior(scale=2.0)) == repr(Prior(scale=[[2.0]]))
