"""Probabilities of boxes and their derivatives, against a table of 20 digits and more."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from mogfit import _core
from tests import box_oracles as oracles

TABLE = Path(__file__).parent.parent / "data" / "box_probabilities.json"
CASES = json.loads(TABLE.read_text(encoding="utf-8"))
EPS = float(np.finfo(float).eps)
DIMENSIONS = range(1, 7)


def problem(case):
    """Mean, covariance and sides of a case of the table."""
    lower = [-np.inf if x is None else x for x in case["lower"]]
    upper = [np.inf if x is None else x for x in case["upper"]]
    return tuple(map(np.array, (case["mean"], case["covariance"], lower, upper)))


def standardised(covariance):
    """Standard deviations and correlations."""
    s = np.sqrt(np.diagonal(covariance))
    return s, covariance / np.outer(s, s)


def tolerance(covariance, q, rtol=1e-4):
    """Relative error of Z that is allowed; gradients have ten times as much.

    The rounding of a bound moves log Z by a bound's square; correlations near 1 make it worse by
    the inverse of the smallest eigenvalue. Beyond, the quadrature's and the lattice's own errors.
    """
    d = len(covariance)
    if d == 1:
        return 2e-15 * (1 + q)
    if d <= 3:
        smallest = np.linalg.eigvalsh(standardised(covariance)[1])[0]
        room = 1 - covariance[0, 1] ** 2 / np.prod(np.diagonal(covariance)) if d == 2 else smallest
        return (1e-12 if d == 2 else 1e-10) * (1 + q / 100) / min(room, 1.0)
    return 1e-8 if d == 4 else rtol


def derivatives(covariance, first, excess):
    """d log Z / d mean and d log Z / d covariance, in units of the standard deviations."""
    s, correlation = standardised(covariance)
    moved = np.linalg.solve(correlation, excess / np.outer(s, s))
    return (
        np.linalg.solve(correlation, first / s),
        np.linalg.solve(correlation, moved.T) / 2,
    )


def assert_case(case, rtol=1e-4):
    mean, covariance, lower, upper = problem(case)
    allowed = tolerance(covariance, case["q"], rtol)
    log_z, error, first, excess = _core.box_probability(mean, covariance, lower, upper, rtol)
    scale = 1.0
    if len(mean) > 4:
        # Where the largest lattice does not reach rtol the estimate says so, and holds. The
        # gradient is a difference of terms of the size of the precision.
        allowed = max(allowed, error)
        scale = np.abs(np.linalg.inv(standardised(covariance)[1])).max()
    wrong = float(Decimal(log_z) - Decimal(case["log_z"]))
    assert abs(np.expm1(wrong)) <= allowed + EPS * abs(log_z), (wrong, log_z, case["log_z"])
    if "dmean" in case:
        s = np.sqrt(np.diagonal(covariance))
        expected = (
            s * np.array(case["dmean"], dtype=float),
            np.outer(s, s) * np.array(case["dcovariance"], dtype=float),
        )
        for seen, true in zip(derivatives(covariance, first, excess), expected, strict=True):
            atol = 10 * allowed * (scale + abs(true).max())
            np.testing.assert_allclose(seen, true, rtol=0, atol=atol)


def cases(low, high):
    return [
        pytest.param(case, id=f"{i}-{case['kind'].replace(' ', '-')}")
        for i, case in enumerate(CASES)
        if low <= len(case["mean"]) <= high
    ]


# Against the table


@pytest.mark.parametrize("case", cases(1, 4))
def test_quadrature_has_the_digits_it_promises(case):
    assert_case(case)


@pytest.mark.parametrize("case", cases(5, 10))
def test_lattice_has_four_digits(case):
    assert_case(case)


@pytest.mark.parametrize("case", cases(5, 6))
def test_lattice_has_six_digits_when_asked(case):
    assert_case(case, rtol=1e-6)


# Properties


def make_box(seed, d, *, spread=1.0, open_sides=True):
    """A mean, a covariance of condition below some hundred, and a box near the mean."""
    rng = np.random.default_rng([seed, d])
    root = rng.normal(size=(d, d)) + 1.5 * np.eye(d)
    covariance = root @ root.T + 0.3 * np.eye(d)
    s = np.sqrt(np.diagonal(covariance))
    mean = rng.normal(size=d)
    middle = spread * rng.normal(size=d)
    half = rng.uniform(0.3, 2.0, size=d)
    lower, upper = mean + s * (middle - half), mean + s * (middle + half)
    if open_sides:
        side = rng.integers(4, size=d)
        lower = np.where(side == 0, -np.inf, lower)
        upper = np.where(side == 1, np.inf, upper)
    return mean, covariance, lower, upper


def slack(*problems):
    """Sum of what the log probabilities of some boxes may be wrong by."""
    total = 0.0
    for mean, covariance, lower, upper in problems:
        q = oracles.nearest(mean, covariance, lower, upper)
        total += tolerance(covariance, q) * (1 + 1e-3) + 8 * EPS * (1 + q)
    return total


boxes = st.builds(make_box, st.integers(0, 10**6), st.integers(1, 6))
some = settings(max_examples=15)


def assert_same(one, two, allowed):
    """Log probabilities, and moments in whatever units they share, agree."""
    assert abs(one[0] - two[0]) <= allowed
    for seen, true in zip(one[2:], two[2:], strict=True):
        np.testing.assert_allclose(seen, true, rtol=0, atol=10 * allowed * (1 + abs(true).max()))


@given(boxes, st.randoms(use_true_random=False))
@some
def test_order_of_variables_does_not_matter(box, random):
    mean, covariance, lower, upper = box
    p = list(range(len(mean)))
    random.shuffle(p)
    moved = mean[p], covariance[np.ix_(p, p)], lower[p], upper[p]
    log_z, error, first, excess = _core.box_probability(*box)
    expected = log_z, error, first[p], excess[np.ix_(p, p)]
    assert_same(_core.box_probability(*moved), expected, slack(box, moved))


@given(boxes, st.integers(0, 63))
@some
def test_reflected_variables_reflect_the_moments(box, mask):
    mean, covariance, lower, upper = box
    sign = np.where((mask >> np.arange(len(mean))) & 1, -1.0, 1.0)
    moved = (
        sign * mean,
        covariance * np.outer(sign, sign),
        np.where(sign < 0, -upper, lower),
        np.where(sign < 0, -lower, upper),
    )
    log_z, error, first, excess = _core.box_probability(*box)
    expected = log_z, error, sign * first, np.outer(sign, sign) * excess
    assert_same(_core.box_probability(*moved), expected, slack(box, moved))


@given(boxes, st.integers(0, 10**6))
@some
def test_scales_of_the_columns_do_not_matter(box, seed):
    mean, covariance, lower, upper = box
    scale = 10 ** np.random.default_rng(seed).uniform(-12, 12, size=len(mean))
    moved = scale * mean, covariance * np.outer(scale, scale), scale * lower, scale * upper
    log_z, error, first, excess = _core.box_probability(*moved)
    seen = log_z, error, first / scale, excess / np.outer(scale, scale)
    # Products round: a bound by eps, and with the covariance's condition.
    rounding = 100 * EPS * np.linalg.cond(standardised(covariance)[1])
    assert_same(seen, _core.box_probability(*box), slack(box, box) + rounding)


@given(boxes, st.integers(0, 5), st.floats(0.1, 0.9))
@some
def test_parts_of_a_box_add_up(box, i, share):
    mean, covariance, lower, upper = box
    i %= len(mean)
    s = np.sqrt(covariance[i, i])
    ends = max(lower[i], mean[i] - 3 * s), min(upper[i], mean[i] + 3 * s)
    cut = np.clip(ends[0] + share * (ends[1] - ends[0]), lower[i], upper[i])
    below, above = upper.copy(), lower.copy()
    below[i] = above[i] = cut
    parts = (mean, covariance, lower, below), (mean, covariance, above, upper)
    if any((p[3] <= p[2]).any() for p in parts):
        return
    seen = np.logaddexp(*(_core.box_probability(*part)[0] for part in parts))
    assert abs(seen - _core.box_probability(*box)[0]) <= slack(box, *parts)


@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(0, 6))
@some
def test_free_variable_changes_nothing_but_its_own_moments(seed, d, i):
    mean, covariance, lower, upper = make_box(seed, d)
    i %= d
    lower[i], upper[i] = -np.inf, np.inf
    rest = np.delete(np.arange(d), i)
    part = mean[rest], covariance[np.ix_(rest, rest)], lower[rest], upper[rest]
    log_z, error, first, excess = _core.box_probability(mean, covariance, lower, upper)
    expected = _core.box_probability(*part)
    seen = log_z, error, first[rest], excess[np.ix_(rest, rest)]
    assert_same(seen, expected, slack(part, part))
    # The free one follows the others by regression.
    slope = np.linalg.solve(part[1], covariance[rest, i])
    atol = 100 * slack(part, part) * (1 + abs(excess).max())
    np.testing.assert_allclose(first[i], slope @ expected[2], rtol=0, atol=atol)
    np.testing.assert_allclose(excess[i, i], slope @ expected[3] @ slope, rtol=0, atol=atol)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3))
@some
def test_independent_blocks_multiply(seed, d, e):
    one, two = make_box(seed, d), make_box(seed + 1, e)
    covariance = np.zeros((d + e, d + e))
    covariance[:d, :d], covariance[d:, d:] = one[1], two[1]
    ends = [np.concatenate([a, b]) for a, b in zip(one, two, strict=True) if a.ndim == 1]
    both = ends[0], covariance, *ends[1:]
    a, b = _core.box_probability(*one), _core.box_probability(*two)
    excess = np.outer(np.r_[a[2], b[2]], np.r_[a[2], b[2]])
    excess[:d, :d], excess[d:, d:] = a[3], b[3]
    expected = a[0] + b[0], 0.0, np.r_[a[2], b[2]], excess
    assert_same(_core.box_probability(*both), expected, slack(one, two, both))


@pytest.mark.parametrize("d", [*range(1, 11)])
def test_infinite_box_holds_everything(d):
    mean, covariance, *_ = make_box(1, d)
    everything = np.full(d, np.inf)
    log_z, _, first, excess = _core.box_probability(mean, covariance, -everything, everything)
    assert log_z == 0.0
    assert (first == 0.0).all()
    assert (excess == 0.0).all()


@given(boxes, st.floats(0.01, 2.0))
@some
def test_larger_boxes_hold_more(box, grow):
    mean, covariance, lower, upper = box
    larger = mean, covariance, lower - grow, upper + grow
    small, large = _core.box_probability(*box)[0], _core.box_probability(*larger)[0]
    assert small <= large + slack(box, larger)
    assert large <= slack(larger)


@given(boxes)
@some
def test_moments_are_those_of_points_in_the_box(box):
    mean, covariance, lower, upper = box
    _, _, first, excess = _core.box_probability(*box)
    room = 10 * slack(box) * np.sqrt(np.diagonal(covariance)) * (1 + abs(excess).max())
    assert (mean + first >= lower - room).all()
    assert (mean + first <= upper + room).all()
    np.testing.assert_array_equal(excess, excess.T)
    # Truncating a normal to a box shrinks its covariance in every direction.
    inside = covariance + excess - np.outer(first, first)
    assert np.linalg.eigvalsh(inside)[0] >= -10 * slack(box) * np.trace(covariance)
    assert np.linalg.eigvalsh(covariance - inside)[0] >= -10 * slack(box) * np.trace(covariance)


@pytest.mark.parametrize("d", [*range(1, 9)])
def test_same_bits_at_each_call(d):
    box = make_box(3, d)
    one, two = _core.box_probability(*box), _core.box_probability(*box)
    assert one[:2] == two[:2]
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one[2:], two[2:], strict=True))


# Derivatives


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("d", DIMENSIONS)
def test_derivatives_are_those_of_differences(d, seed):
    mean, covariance, lower, upper = make_box(seed, d)
    s, _ = standardised(covariance)
    # Four-point differences: h^4 of truncation, and the value's error over h. From five
    # variables on the lattice's error may change from point to point.
    step, allowed = (0.01, 1e-6) if d <= 4 else (0.1, 2e-3)
    rtol = 1e-4

    def slope(move):
        """Of log Z along a change of mean and covariance in units of standard deviations."""
        values = []
        for h in (-2, -1, 1, 2):
            m, c = move(h * step)
            log_z = _core.box_probability(
                mean + s * m, covariance + np.outer(s, s) * c, lower, upper, rtol
            )[0]
            values.append(log_z)
        return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)

    none = np.zeros(d)
    by_mean = [slope(lambda h, e=e: (h * e, np.zeros((d, d)))) for e in np.eye(d)]
    seen = derivatives(covariance, *_core.box_probability(mean, covariance, lower, upper, rtol)[2:])
    size = 1 + abs(seen[0]).max()
    np.testing.assert_allclose(seen[0], by_mean, rtol=0, atol=allowed * size**3)
    eye = np.eye(d)
    smallest = np.linalg.eigvalsh(standardised(covariance)[1])[0]
    step *= min(1.0, smallest)  # a covariance stays one
    if d > 4:
        allowed /= min(1.0, smallest)
    for i, j in [(0, 0), (0, d - 1), (d - 1, d - 1)]:
        change = (np.outer(eye[i], eye[j]) + np.outer(eye[j], eye[i])) / 2
        expected = slope(lambda h, change=change: (none, h * change))
        size = (1 + abs(seen[1]).max()) ** 2
        np.testing.assert_allclose(seen[1][i, j], expected, rtol=0, atol=10 * allowed * size)


@given(
    st.floats(-40, 40), st.floats(1e-6, 50), st.booleans(), st.sampled_from([1e-9, 0.7, 1.0, 1e8])
)
def test_moments_in_one_dimension_have_a_closed_form(at, width, is_open, scale):
    lower, upper = at * scale, np.inf if is_open else (at + width) * scale
    if upper <= lower:
        return
    _, _, first, excess = _core.box_probability(
        np.zeros(1), np.array([[scale**2]]), np.array([lower]), np.array([upper])
    )
    true_first, true_excess = map(
        float, oracles.truncated_moments(0.0, scale**2, lower, upper, digits=40)
    )
    room = 2e-14 * (1 + at**2)
    assert abs(first[0] - true_first) <= room * scale
    assert abs(excess[0, 0] - true_excess) <= room * (1 + abs(true_excess) / scale**2) * scale**2


# The error's estimate


def trapezoid_log_z(loadings, lower, upper):
    """log P of a box for correlations l_i l_j: the trapezoidal rule, all digits of doubles.

    The integrand is analytic and falls like exp(-f^2 / 2): the rule's error falls faster than
    any power of the step, here 1 / 13 of the narrowest width.
    """
    f = np.linspace(-12.0, 12.0, 1201)[:, None]
    s = np.sqrt(1 - loadings**2)
    low, high = (lower - loadings * f) / s, (upper - loadings * f) / s
    swap = low > 0
    low, high = np.where(swap, -high, low), np.where(swap, -low, high)
    inside = (ndtr(high) - ndtr(low)).prod(axis=1)
    return np.log((inside * np.exp(-(f[:, 0] ** 2) / 2)).sum() * 0.02 / np.sqrt(2 * np.pi))


def random_one_factor_box(seed):
    rng = np.random.default_rng([77, seed])
    d = 5 + seed % 2
    loadings = rng.uniform(0.2, 0.95, size=d) * rng.choice([-1, 1], size=d)
    lower = rng.normal(size=d) - 1.0
    upper = lower + rng.uniform(0.5, 4.0, size=d)
    lower[rng.random(d) < 0.3] = -np.inf
    upper[rng.random(d) < 0.3] = np.inf
    return loadings, lower, upper


def test_error_is_seldom_three_times_its_estimate():
    ratios, errors = [], []
    for seed in range(400):
        loadings, lower, upper = random_one_factor_box(seed)
        covariance = np.outer(loadings, loadings)
        np.fill_diagonal(covariance, 1.0)
        log_z, error, _, _ = _core.box_probability(np.zeros(len(lower)), covariance, lower, upper)
        wrong = abs(np.expm1(log_z - trapezoid_log_z(loadings, lower, upper)))
        errors.append(wrong)
        ratios.append(max(wrong - 1e-12, 0.0) / error if error else 0.0)
    assert np.mean(np.array(ratios) <= 3) >= 0.99, sorted(ratios)[-8:]
    assert np.mean(np.array(errors) <= 1e-4) >= 0.99, sorted(errors)[-8:]


def test_trapezoid_is_the_integral_of_the_oracle():
    for seed in range(4):
        loadings, lower, upper = random_one_factor_box(seed)
        box = oracles.one_factor(
            [0.0] * len(lower), loadings, 1 - loadings**2, lower, upper, slopes=False
        )
        expected = float(oracles.log_derivatives(box).log_z)
        assert abs(trapezoid_log_z(loadings, lower, upper) - expected) <= 1e-12


# What is refused


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("nan mean", lambda m, c, a, b: (m * np.nan, c, a, b)),
        ("infinite mean", lambda m, c, a, b: (m + np.inf, c, a, b)),
        ("nan covariance", lambda m, c, a, b: (m, c * np.nan, a, b)),
        ("negative covariance", lambda m, c, a, b: (m, -c, a, b)),
        ("zero covariance", lambda m, c, a, b: (m, 0 * c, a, b)),
        ("nan lower", lambda m, c, a, b: (m, c, a * np.nan, b)),
        ("nan upper", lambda m, c, a, b: (m, c, a, b * np.nan)),
        ("lower above upper", lambda m, c, a, b: (m, c, b, a)),
        ("lower at plus infinity", lambda m, c, a, b: (m, c, a + np.inf, b + np.inf)),
        ("upper at minus infinity", lambda m, c, a, b: (m, c, a - np.inf, b - np.inf)),
        ("shape of lower", lambda m, c, a, b: (m, c, a[:-1], b)),
        ("shape of covariance", lambda m, c, a, b: (m, c[:, :-1], a, b)),
        ("rtol zero", lambda m, c, a, b: (m, c, a, b, 0.0)),
        ("rtol negative", lambda m, c, a, b: (m, c, a, b, -1e-4)),
        ("rtol nan", lambda m, c, a, b: (m, c, a, b, np.nan)),
    ],
)
def test_bad_input_is_refused(d, name, change):
    box = make_box(5, d, open_sides=False)
    with pytest.raises(ValueError, match=r"\w"):
        _core.box_probability(*change(*box))
