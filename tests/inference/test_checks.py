"""What must hold of the data before a fit, and the spread that a fit standardises by."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mogfit import DataWarning, DegenerateError, InputError
from mogfit.inference.checks import check_enough_rows, count_distinct_rows, measure_spread
from mogfit.observations import as_observations
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
            r"^data: 1 distinct row, a full covariance in d=2 needs 3; bring more data$",
        ),
        (
            np.full((50, 2), 1.5),
            2,
            DegenerateError,
            r"data: all 50 rows are identical \(1.5, 1.5\); a full covariance in d=2 needs 3 ",
        ),
    ],
)
@pytest.mark.parametrize("errors", [None, 0.0])
def test_too_few_rows(points, errors, ngauss, error, message):
    with pytest.raises(error, match=message):
        check_enough_rows(as_observations(points, errors=errors), ngauss)


@pytest.mark.parametrize("points", [TWO_ROWS, TWO_ROWS[:1], np.full((50, 2), 1.5)])
def test_noise_does_not_make_up_for_rows(points):
    with pytest.raises(DegenerateError, match=r"covariance in d=2 needs 3"):
        check_enough_rows(as_observations(points, errors=0.1), 1)
    matrices = np.ones((len(points), 2, 3))
    if len(points) < 4:
        with pytest.raises(DegenerateError, match=rf"data: {len(points)} rows?, .* d=3 needs 4"):
            check_enough_rows(as_observations(points, projection=matrices), 1)


def test_noisy_rows_may_be_shared_by_components():
    points = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 20, axis=0)
    check_enough_rows(as_observations(points, errors=0.1), 4)
    with pytest.raises(InputError, match="ask for at most 3"):
        check_enough_rows(as_observations(points, errors=0.0), 4)


def test_more_parameters_than_points_are_told_with_both_counts():
    with pytest.warns(DataWarning, match="11 parameters for 8 points"):
        check_enough_rows(observed(POINTS[:8]), 2)
    check_enough_rows(observed(POINTS[:11]), 2)


@pytest.mark.parametrize("value", [3.0, 0.0, 1e300, -1e-300, 0.1])
@pytest.mark.parametrize("names", [None, ("a", "z")])
@pytest.mark.parametrize("errors", [None, 0.0, [0.1, 0.0], "each", "covariances"])
def test_a_constant_column_is_named(value, names, errors):
    points = np.column_stack([POINTS[:, 0], np.full(len(POINTS), value)])
    expected = f"data: column {repr('z') if names else 1} is constant ({value:g}); drop it"
    if errors == "each":
        errors = np.tile([0.1, 0.0], (len(points), 1))
    elif errors == "covariances":
        errors = np.tile(np.diag([0.1, 0.0]), (len(points), 1, 1))
    with pytest.raises(DegenerateError, match=f"^{re.escape(expected)}"):
        measure_spread(as_observations(points, errors=errors), names, 1)


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


def test_a_column_of_errors_where_it_is_seen_is_not_exact():
    points = np.column_stack([POINTS[:, 0], np.full(len(POINTS), 3.0)])
    points[::3, 1] = np.nan
    errors = np.full(points.shape, 0.1)
    errors[::3, 1] = 0.0
    data = as_observations(points, errors=errors, missing="marginal")
    assert measure_spread(data, None, 1).scale[1] < 0.1
    # The other way about, it is.
    data = as_observations(points, errors=0.1 - errors, missing="marginal")
    with pytest.raises(DegenerateError, match="column 1 is constant"):
        measure_spread(data, None, 1)


@pytest.mark.parametrize("errors", [None, 0.3])
@pytest.mark.parametrize("seen", [slice(1, None, 3), slice(29_000, 29_100), [3, 17, 20_011]])
def test_columns_seen_in_a_pattern_or_rarely_are_looked_at(seen, errors, rng):
    points = rng.normal(size=(30_000, 2)) * [1.0, 5.0] + [0.0, 100.0]
    rare = np.full(30_000, np.nan)
    rare[seen] = points[seen, 1]
    values = np.column_stack([points[:, 0], rare])
    data = as_observations(values, errors=errors, missing="marginal")
    location, scale, _ = measure_spread(data, None, 1)
    # The columns are independent; EM ends near the optimum.
    held = points[seen, 1]
    assert location[1] == pytest.approx(held.mean(), abs=0.2 * held.std())
    assert scale[1] == pytest.approx(held.std(), rel=0.3)


def test_enormous_errors_count_for_nothing(rng):
    points = rng.normal(size=(300, 2)) * 2.0
    errors = np.full(points.shape, 1.2e154)
    errors[::3] = 0.1
    points[errors > 1] = 3e153
    spread = measure_spread(as_observations(points, errors=errors), None, 1)
    right = measure_spread(as_observations(points[::3], errors=0.1), None, 1)
    np.testing.assert_allclose(spread.scale, right.scale, rtol=1e-3)
