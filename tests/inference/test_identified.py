"""What no row tells of is refused, or named."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from mogfit import DegeneracyWarning, DegenerateError, FitMoG
from mogfit.inference.identified import check_identified, seen_equations, seen_together
from mogfit.observations import as_observations
from tests.fitting import POINTS

XY = POINTS[:300]


def projected(matrices, values=None, nvars=2):
    matrices = np.asarray(matrices, dtype=float)
    rows = len(matrices) if matrices.ndim == 3 else 50
    if values is None:
        values = np.random.default_rng(1).normal(size=(rows, matrices.shape[-2]))
    return as_observations(values, nvars=nvars, projection=matrices, missing="marginal")


@pytest.mark.parametrize("units", [1.0, 1e-200, 1e200])
@pytest.mark.parametrize("each", [False, True])
def test_variables_that_no_row_sees_are_named(each, units):
    matrix = np.array([[units, 0.0, 0.0], [1.0, 0.0, 0.0]])
    data = projected(np.tile(matrix, (50, 1, 1)) if each else matrix, nvars=3)
    with pytest.raises(DegenerateError, match=r"^projection: no row sees variables 1, 2, so"):
        check_identified(data, None)
    with pytest.raises(DegenerateError, match=r"no row sees variables 'b', 'c', so"):
        check_identified(data, ("a", "b", "c"))


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (1e-8, 1.0, 1e9)])
def test_a_direction_that_no_row_sees_is_named(scale, rng):
    # Rows orthogonal to (2, -1, 0), in other units.
    matrices = rng.normal(size=(40, 1, 2)) @ [[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]] / scale
    direction = np.array([2.0, -1.0]) * scale[:2]
    direction /= np.abs(direction).max()
    text = ", ".join(f"{entry:.3g}" for entry in direction)
    expected = re.escape(f"no row sees the direction ({text}) of variables 0, 1, so")
    with pytest.raises(DegenerateError, match=expected):
        check_identified(projected(matrices, nvars=3), None)


def test_several_directions_are_counted():
    with pytest.raises(DegenerateError, match=r"2 of the directions of variables 0, 1, 2, so"):
        check_identified(projected([[1.0, 2.0, 3.0]], nvars=3), None)


def test_directions_seen_in_one_row_alone_are_seen():
    matrices = np.tile([[1.0, 0.0]], (20_000, 1, 1))
    matrices[12_345] = [[1.0, 1e-3]]
    check_identified(projected(matrices), None)
    # But not where the value is missing.
    values = np.zeros((20_000, 1))
    values[12_345] = np.nan
    with pytest.raises(DegenerateError, match="no row sees variable 1, so"):
        check_identified(projected(matrices, values), None)


@pytest.mark.parametrize("each", [False, True])
def test_the_equations_are_those_of_least_squares(each, rng):
    matrices = rng.normal(size=(9000, 2, 3)) if each else rng.normal(size=(3, 3))
    values = rng.normal(size=(9000, matrices.shape[-2]))
    values[::5, 1] = np.nan
    data = projected(matrices, values, 3)
    equations = seen_equations(data)
    assert equations.shape[0] <= 4
    seen = ~np.isnan(values)
    left = np.broadcast_to(matrices, (9000, *matrices.shape[-2:]))[seen]
    np.testing.assert_allclose(equations[:, :3].T @ equations[:, :3], left.T @ left, rtol=1e-10)
    np.testing.assert_allclose(
        equations[:, :3].T @ equations[:, 3], left.T @ values[seen], rtol=1e-10, atol=1e-9
    )


def test_a_fit_of_a_variable_never_seen_is_refused():
    F = FitMoG(XY[:, :1], projection=[[1.0, 0.0]])
    with pytest.raises(DegenerateError, match="no row sees variable 1, so"):
        F.fit_data()
    assert F.report is None


def test_columns_never_seen_together_are_named():
    values = XY.copy()
    values[::2, 0] = values[1::2, 1] = np.nan
    F = FitMoG(values, missing="marginal")
    with pytest.warns(DegeneracyWarning, match=r"columns 0 and 1 are never seen together in a row"):
        F.fit_data()
    # Once is enough.
    values[0] = XY[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_identified(as_observations(values, missing="marginal"), None)


def test_many_pairs_are_counted():
    values = np.where(np.arange(50)[:, None] % 4 == np.arange(4), 1.0, np.nan)
    data = as_observations(values, missing="marginal")
    np.testing.assert_array_equal(seen_together(data), np.eye(4, dtype=bool))
    with pytest.warns(
        DegeneracyWarning,
        match=r"columns 'a' and 'b', 'a' and 'c', 'a' and 'd', 'b' and 'c', 2 more pairs are never",
    ):
        check_identified(data, tuple("abcd"))


def test_pairs_are_found_in_any_row(rng):
    gone = rng.random((9000, 5)) < 0.5
    gone[gone[:, 0] == 0, 4] = True
    gone[8999] = False
    values = np.where(gone, np.nan, 1.0)
    expected = np.array([[(~gone[:, i] & ~gone[:, j]).any() for j in range(5)] for i in range(5)])
    np.testing.assert_array_equal(
        seen_together(as_observations(values, missing="marginal")), expected
    )
    less = as_observations(values[:8999], missing="marginal")
    assert not seen_together(less)[0, 4]
