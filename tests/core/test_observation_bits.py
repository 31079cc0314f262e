"""Noisy and incomplete data: the same bits on any threads and layout; the same to any variant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.observed import KINDS, assert_same_bits, evaluate, every_kind
from tests.observation_oracles import make_case
from tests.strategies import LAYOUTS


@every_kind
@pytest.mark.parametrize(("nvars", "count"), [(3, 5000), (2, 129), (11, 700)])
def test_any_number_of_threads_gives_the_same_bits(kind, nvars, count):
    case = make_case(nvars, 3, count, **KINDS[kind])
    expected = evaluate(case, 1)
    for threads in (2, 7):
        assert_same_bits(evaluate(case, threads), expected)


LAYOUTS_3D = {
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(np.repeat(x, 2, axis=0), 3, axis=2)[::2, :, ::3],
    "reversed": lambda x: np.ascontiguousarray(x[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
    "transposed": lambda x: np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0),
}


@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_does_not_matter(kind, layout):
    case = make_case(3, 4, 300, **KINDS[kind])
    changes = {"X": LAYOUTS[layout](case.values)}
    for name, array in case.noise.items():
        other = list(LAYOUTS_3D.values())[len(layout) % len(LAYOUTS_3D)]
        changes[name] = other(array) if array.ndim == 3 else LAYOUTS[layout](array)
    assert_same_bits(evaluate(case, **changes), evaluate(case))


@pytest.mark.parametrize("layout", LAYOUTS_3D)
@pytest.mark.parametrize("nvars", [3, 10])
def test_the_layout_of_matrices_does_not_matter(nvars, layout):
    case = make_case(nvars, 3, 200, noise="covariances", projection="square", missing=0.2)
    changes = {name: LAYOUTS_3D[layout](array) for name, array in case.noise.items()}
    assert_same_bits(evaluate(case, **changes), evaluate(case))


@every_kind
@pytest.mark.parametrize("layout", ["C", "Fortran", "strided", "reversed both"])
def test_single_precision_is_read_in_double(kind, layout):
    case = make_case(3, 4, 300, **KINDS[kind])
    single = {name: array.astype(np.float32) for name, array in case.noise.items()}
    values = case.values.astype(np.float32)
    double = replace(
        case,
        values=values.astype(np.float64),
        **{name: array.astype(np.float64) for name, array in single.items()},
    )
    assert_same_bits(evaluate(case, X=LAYOUTS[layout](values), **single), evaluate(double))


@given(st.sampled_from(sorted(KINDS)), st.integers(1, 6), st.integers(0, 300), st.data())
def test_any_array_is_its_contiguous_copy_in_doubles(kind, nvars, count, data):
    case = make_case(nvars, 2, count, **KINDS[kind])
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    values = case.values.astype(dtype)
    expected = evaluate(replace(case, values=values.astype(np.float64)))
    assert_same_bits(evaluate(case, X=LAYOUTS[layout](values)), expected)


def test_strides_of_zero():
    case = make_case(3, 4, 300, noise="covariances", projection="square")
    for name in ("covariances", "projection"):
        one = getattr(case, name)[0]
        view = np.broadcast_to(one, (300, *one.shape))
        assert_same_bits(evaluate(case, **{name: view}), evaluate(case, **{name: view.copy()}))


VARIANT = """
import sys
from mogfit import _core
from tests.core.observed import KINDS, assert_close, evaluate, refer
from tests.observation_oracles import make_case
assert _core.variant == sys.argv[1]
for kind in KINDS.values():
    for nvars in (1, 3, 6, 9):
        case = make_case(nvars, 3, 100, **kind)
        assert_close(evaluate(case), refer(case), case, rtol=1e-11)
"""


def test_every_variant_is_right(variant, run_python):
    run_python(VARIANT, variant, MOGFIT_ISA=variant)
