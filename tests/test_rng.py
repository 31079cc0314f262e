"""Seeds: what repeats, what does not, and what is left alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mogfit import DtypeError, InputError
from mogfit.rng import draw_seed

np_random = np.random  # the legacy state, which np.random.seed sets


def test_none_takes_one_draw_from_the_global_state():
    np_random.seed(7)
    first, second = draw_seed(None), draw_seed(None)
    np_random.seed(7)
    assert [draw_seed(None), draw_seed(None)] == [first, second]
    assert first != second


@pytest.mark.parametrize("rng", [0, 5, np.int32(5), np.random.default_rng(5), 2**70])
def test_the_global_state_is_left_alone(rng):
    before = np_random.get_state()
    draw_seed(rng)
    after = np_random.get_state()
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_an_int_is_the_same_seed_every_time_and_different_ints_differ():
    seeds = [draw_seed(n) for n in range(1000)]
    assert seeds == [draw_seed(np.int64(n)) for n in range(1000)]
    assert len(set(seeds)) == 1000
    # Neighbours are spread over all 64 bits: about half of the bits differ.
    flips = [bin(a ^ b).count("1") for a, b in pairwise(seeds)]
    assert 30 < np.mean(flips) < 34


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_generator_is_advanced(make):
    rng = make(3)
    assert draw_seed(rng) != draw_seed(rng)
    again = make(3)
    assert draw_seed(again) == draw_seed(make(3))


def test_seeds_are_64_bit_words():
    for rng in (None, 0, 2**100, np.random.default_rng(0)):
        assert 0 <= draw_seed(rng) < 2**64


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match=r"rng: -1 .*a whole number >= 0"):
        draw_seed(-1)


@pytest.mark.parametrize("rng", ["1", 1.0, True, np.True_, [1], object()])
def test_what_is_no_source_of_randomness_is_refused(rng):
    with pytest.raises(DtypeError, match=r"^random_state: .*numpy\.random\.Generator"):
        draw_seed(rng, "random_state")
