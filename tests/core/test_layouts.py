"""The memory layout of the data changes no bit; float32 is read as the doubles it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mogfit import _core
from tests.core import EDGES, prepare
from tests.strategies import LAYOUTS, make_mixture, make_points, mixtures, point_arrays


def evaluate(prepared, points, weight=None):
    """Everything that the core computes from data."""
    moments = _core.data_pass(prepared, points, weight)
    results = {
        "logpdf": _core.logpdf(prepared, points),
        "pdf": _core.pdf(prepared, points),
        "component_logpdf": _core.component_logpdf(prepared, points),
        "responsibilities": _core.responsibilities(prepared, points),
        "loglik": moments.loglik,
        "s0": moments.s0,
        "s1": moments.s1,
        "s2": moments.s2,
        "log_likelihood": _core.log_likelihood(prepared, points, weight),
        "count_nonfinite": _core.count_nonfinite(points),
    }
    if len(points) > 10 * prepared.ngauss * (prepared.nvars + 1):
        results["em_step"] = _core.em_step(prepared, points, weight)[1].factors
    return results


def assert_same_bits(seen, expected):
    assert seen.keys() == expected.keys()
    for name, value in expected.items():
        got = np.asarray(seen[name])
        assert got.tobytes() == np.asarray(value).tobytes(), name


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("nvars", "ngauss"), [(1, 3), (2, 5), (3, 2), (8, 2), (17, 2), (40, 2)])
def test_every_layout_gives_the_same_bits(nvars, ngauss, dtype, layout):
    mixture = make_mixture(nvars, ngauss)
    for count in (1, 31, 256, 1001):
        points = make_points(mixture, count).astype(dtype)
        expected = evaluate(prepare(mixture), points.astype(np.float64))
        assert_same_bits(evaluate(prepare(mixture), LAYOUTS[layout](points)), expected)


@pytest.mark.parametrize("count", EDGES)
@pytest.mark.parametrize("layout", ["Fortran", "strided", "reversed both"])
def test_every_number_of_points(layout, count):
    mixture = make_mixture(3, 4)
    points = make_points(mixture, count)
    expected = evaluate(prepare(mixture), points)
    assert_same_bits(evaluate(prepare(mixture), LAYOUTS[layout](points)), expected)
    single = points.astype(np.float32)
    expected = evaluate(prepare(mixture), single.astype(np.float64))
    assert_same_bits(evaluate(prepare(mixture), LAYOUTS[layout](single)), expected)


@settings(max_examples=60)
@given(mixtures(max_nvars=6, max_ngauss=4, max_log10_scale=2, max_log10_condition=2.0), st.data())
def test_any_array_is_its_contiguous_copy_in_doubles(mixture, data):
    points = data.draw(point_arrays(mixture.means.shape[1]))
    weight = None
    if data.draw(st.booleans()):
        weight = np.random.default_rng(0).exponential(size=len(points))
    prepared = prepare(mixture)
    copy = np.ascontiguousarray(points, dtype=np.float64)
    for name in ("logpdf", "responsibilities"):
        function = getattr(_core, name)
        np.testing.assert_array_equal(function(prepared, points), function(prepared, copy))
    seen = _core.data_pass(prepared, points, weight)
    expected = _core.data_pass(prepared, copy, weight)
    for name in ("loglik", "s0", "s1", "s2"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(expected, name))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_strides_of_zero(dtype):
    mixture = make_mixture(3, 4)
    prepared = prepare(mixture)
    row = mixture.means[1].astype(dtype)
    for view in [
        np.broadcast_to(row, (700, 3)),
        np.broadcast_to(np.linspace(-2, 2, 700, dtype=dtype)[:, None], (700, 3)),
        np.broadcast_to(dtype(0.75), (700, 3)),
    ]:
        assert 0 in view.strides
        seen = {n: getattr(_core, n)(prepared, view) for n in ("logpdf", "responsibilities")}
        copy = np.array(view, dtype=np.float64)
        for name, value in seen.items():
            np.testing.assert_array_equal(value, getattr(_core, name)(prepared, copy))
        moments = _core.data_pass(prepared, view), _core.data_pass(prepared, copy)
        np.testing.assert_array_equal(moments[0].s2, moments[1].s2)
        assert moments[0].loglik == moments[1].loglik


def test_single_precision_values_at_the_ends_of_their_range():
    info = np.finfo(np.float32)
    values = [info.max, -info.max, info.tiny, info.smallest_subnormal, 0.0, -0.0, 1.0, np.nan,
              np.inf, -np.inf]  # fmt: skip
    points = np.array([[a, b] for a in values for b in values], dtype=np.float32)
    prepared = _core.PreparedMixture([1.0], [[0.0, 1.0]], [np.diag([1e60, 1e-60])])
    doubles = points.astype(np.float64)
    for name in ("logpdf", "pdf", "component_logpdf"):
        function = getattr(_core, name)
        np.testing.assert_array_equal(function(prepared, points), function(prepared, doubles))
    assert _core.count_nonfinite(points) == _core.count_nonfinite(doubles)


def test_accumulation_of_single_precision_is_in_double():
    # In float32 a sum of 2^25 + 1 ones would stop at 2^24; here the second moment of 1e4 + noise.
    points = (1e4 + np.random.default_rng(0).random((100_000, 1))).astype(np.float32)
    mean = points.astype(np.float64).mean()
    prepared = _core.PreparedMixture([1.0], [[mean]], [[[1.0]]])
    moments = _core.data_pass(prepared, points)
    variance = points.astype(np.float64).var()
    assert moments.s2[0, 0, 0] / 100_000 == pytest.approx(variance, rel=1e-12)


def test_memory_maps_are_read_where_they_lie(tmp_path):
    mixture = make_mixture(3, 4)
    points = make_points(mixture, 900)
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    assert_same_bits(evaluate(prepare(mixture), mapped), evaluate(prepare(mixture), points))


def test_unaligned_data_are_refused():
    buffer = np.zeros(300 * 3 * 8 + 1, dtype=np.uint8)
    unaligned = buffer[1:].view(np.float64).reshape(300, 3)
    assert not unaligned.flags.aligned
    with pytest.raises(TypeError, match="align"):
        _core.logpdf(prepare(make_mixture(3, 4)), unaligned)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_data_are_left_as_they_are(layout):
    mixture = make_mixture(3, 4)
    points = LAYOUTS[layout](make_points(mixture, 600))
    before = points.tobytes()
    evaluate(prepare(mixture), points)
    assert points.tobytes() == before
