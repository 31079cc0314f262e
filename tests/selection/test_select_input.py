"""What a selection cannot be asked for, each with a message that says so before work begins."""

from __future__ import annotations

import numpy as np
import pytest

import mogfit as mn
from mogfit import fit_selection
from mogfit.errors import DomainError, DtypeError, InputError
from tests.selection.samples import two_apart


@pytest.fixture(autouse=True)
def _no_work(monkeypatch):
    def begun(*_):
        pytest.fail("fits began")

    monkeypatch.setattr(fit_selection, "explore", begun)


@pytest.mark.parametrize(
    ("ngauss", "words"),
    [
        ([], r"ngauss: \[\] \(list\) seen; allowed: whole numbers >= 1"),
        (range(0), "allowed: whole numbers >= 1, such as range"),
        ([0, 1], "ngauss: 0"),
        ([1, -2], "ngauss: -2"),
        (0, "ngauss: 0"),
        (2.5, "ngauss: 2.5"),
        ([1, 2.5], "ngauss: 2.5"),
        ([True], "ngauss: True"),
        ([None], "ngauss: None"),
        ("auto", "ngauss: 'auto'"),
        ("3", "ngauss: '3'"),
    ],
)
def test_numbers_of_components_are_whole_and_at_least_one(ngauss, words):
    with pytest.raises(InputError, match=words):
        mn.select(two_apart(), ngauss)


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("criterion", "bicc", "criterion: 'bicc' seen; allowed: .*; did you mean 'bic'"),
        ("criterion", None, "criterion: None"),
        ("covariance", "ful", "covariance: 'ful' seen; .*did you mean 'full'"),
        ("covariance", ["full", "round"], "covariance: 'round'"),
        ("covariance", [], "covariance: .*one structure or more"),
        ("covariance", [3], "covariance: 3"),
        ("folds", 1, "folds: 1"),
        ("folds", 2.5, "folds: 2.5"),
        ("rounds", -1, "rounds: -1"),
        ("rounds", "2", "rounds: '2'"),
        ("n_starts", 0, "n_starts: 0"),
        ("threads", 0, "threads: 0"),
        ("penalty", -1.0, "penalty: -1"),
        ("method", "EMM", "method: 'EMM'"),
        ("random_state", -1, "random_state: -1"),
        ("progress", "loud", "progress: 'loud'"),
        ("missing", "skip", "missing: 'skip'"),
        ("sample_weight", np.ones(7), "sample_weight"),
        ("sample_weight", np.zeros(300), "sample_weight"),
    ],
)
def test_arguments_are_checked(argument, value, words):
    with pytest.raises(InputError, match=words):
        mn.select(two_apart(), [1, 2], **{argument: value})


def test_types_are_checked():
    with pytest.raises(DtypeError, match="covariance: 3"):
        mn.select(two_apart(), covariance=3)
    with pytest.raises(DtypeError, match="random_state"):
        mn.select(two_apart(), random_state="1")
    with pytest.raises(DtypeError, match="prior"):
        mn.select(two_apart(), prior=1)
    with pytest.raises(TypeError, match="tolerance"):
        mn.select(two_apart(), tolerance=1e-3)


def test_more_folds_than_points():
    with pytest.raises(InputError, match="folds: 20 seen; allowed: 2 to 12, the number of points"):
        mn.select(two_apart(12), [1], criterion="cv", folds=20)
    weights = np.r_[np.ones(6), np.zeros(6)]
    with pytest.raises(InputError, match="folds: 7 seen; allowed: 2 to 6, "):
        mn.select(two_apart(12), [1], criterion="cv", folds=7, sample_weight=weights)


def test_data_are_checked():
    points = two_apart()
    points[3, 1] = np.nan
    with pytest.raises(InputError, match="1 of 600 values is NaN"):
        mn.select(points)
    with pytest.raises(InputError, match="data: none given"):
        mn.select(None)
    with pytest.raises(InputError, match="rows"):
        mn.select(np.empty((0, 2)))
    with pytest.raises(DomainError, match="outside"):
        mn.select(two_apart(), domain=[(0, 1), None])
