"""What must hold of the data before a fit, and the spread that a fit standardises by."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mogfit import DataWarning, DegenerateError, InputError
from mogfit.inference.checks import check_enough_rows, count_distinct_rows, measure_spread
from tests.fitting import POINTS, observed

TWO_ROWS = np.array([[0.0, 1.0], [2.0, 3.0]])


@pytest.mark.parametrize("offset", [0.0, 1e6, -1e9])
@pytest.mark.parametrize("weighted", [False, True])
def test_spread_is_the_maximum_likelihood_mean_and_covariance(offset, weighted, rng):
    weight = rng.uniform(0, 3, len(POINTS)) if weighted else None
    points = POINTS + offset
    location, scale, covariance = measure_spread(observed(points, weight), None, 1)
    # Adding the offset rounds each value to offset * eps; without one, the rounding of NumPy's own
    # mean of values up to 7 shows.
    rounding = 4 * np.finfo(float).eps * max(abs(offset), 20.0)
    centred = points - offset
    mean = np.average(centred, axis=0, weights=weight)
    np.testing.assert_allclose(location - offset, mean, rtol=0, atol=rounding)
    expected = np.cov(centred.T, bias=True, aweights=weight)
    np.testing.assert_allclose(covariance, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(scale, np.sqrt(np.diag(covariance)))


def test_distinct_rows_are_counted_as_far_as_they_matter():
    assert count_distinct_rows(np.repeat(TWO_ROWS, 40, axis=0), 3) == 2
    assert count_distinct_rows(POINTS, 3) >= 3
    # The only other row is the last of many.
    late = np.zeros((5000, 2))
    late[-1] = 1.0
    assert count_distinct_rows(late, 3) == 2


@pytest.mark.parametrize(
    ("points", "ngauss", "error", "message"),
    [
        (TWO_ROWS, 3, InputError, "data: 2 rows, 2 of them distinct, for ngauss=3 components; ask"),
        (
            np.repeat(TWO_ROWS, 50, axis=0),
            3,
            InputError,
            r"data: 100 rows, 2 of them distinct, for ngauss=3 .* ask for at most 2 or bring more",
        ),
        (TWO_ROWS, 1, DegenerateError, "data: 2 distinct rows, a full covariance in d=2 needs 3;"),
        (
            TWO_ROWS[:1],
            1,
            DegenerateError,
            r"^data: 1 distinct row, a full covariance",
        ),
        (
            np.full((50, 2), 1.5),
            2,
            DegenerateError,
            r"data: all 50 rows are identical \(1.5, 1.5\); a covariance in d=2 needs 3 distinct",
        ),
    ],
)
def test_too_few_rows(points, ngauss, error, message):
    with pytest.raises(error, match=message):
        check_enough_rows(observed(points), ngauss)


def test_more_parameters_than_points_are_told_with_both_counts():
    with pytest.warns(DataWarning, match="11 parameters for 8 points"):
        check_enough_rows(observed(POINTS[:8]), 2)
    check_enough_rows(observed(POINTS[:11]), 2)


@pytest.mark.parametrize("value", [3.0, 0.0, 1e300, -1e-300, 0.1])
@pytest.mark.parametrize("names", [None, ("a", "z")])
def test_a_constant_column_is_named(value, names):
    points = np.column_stack([POINTS[:, 0], np.full(len(POINTS), value)])
    expected = f"data: column {repr('z') if names else 1} is constant ({value:g}); drop it"
    with pytest.raises(DegenerateError, match=f"^{re.escape(expected)}"):
        measure_spread(observed(points), names, 1)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_collinear_columns_are_named_with_their_rank(scale, rng):
    free = rng.normal(size=(500, 2))
    points = np.column_stack([free, scale * (free @ [2.0, -1.0]) + 5 * scale, rng.normal(size=500)])
    with pytest.raises(
        DegenerateError, match=r"rank 3 of 4; column 0, column 1, column 2 determine"
    ):
        measure_spread(observed(points), None, 1)
    with pytest.raises(DegenerateError, match=r"column 'a', column 'b', column 'c' .* drop 1"):
        measure_spread(observed(points), ("a", "b", "c", "d"), 1)


def test_nearly_collinear_columns_are_not_refused(rng):
    x = rng.normal(size=2000)
    points = np.column_stack([x, x + 1e-5 * rng.normal(size=2000)])
    measure_spread(observed(points), None, 1)
