"""What users may ask to be held, and how it is counted."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogfit import DtypeError, InputError
from mogfit.fixed import Fixed, check_held_weights, parse_fixed
from mogfit.parameters import STRUCTURES, number_of_parameters


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        (True, (0, 1, 2)),
        (False, ()),
        (np.True_, (0, 1, 2)),
        (1, (1,)),
        (np.int64(2), (2,)),
        ([0, 2], (0, 2)),
        ((2, 2, 0), (0, 2)),
        (range(2), (0, 1)),
        (np.array([1], dtype=np.uint8), (1,)),
        ([True, False, True], (0, 2)),
        ([], ()),
    ],
)
@pytest.mark.parametrize("name", ["weights", "means", "mus", "covariances", "Sigmas"])
def test_components_may_be_given_in_many_ways(name, given_as, expected):
    numbers = parse_fixed({name: given_as}, 3).numbers()
    field = {"mus": "means", "Sigmas": "covariances"}.get(name, name)
    assert numbers.pop(field) == expected
    assert set(numbers.values()) == {()}


def test_nothing():
    assert not parse_fixed(None, 2).some
    assert not parse_fixed({}, 2).some
    assert parse_fixed({"means": [1]}, 2).some


@pytest.mark.parametrize(
    ("fixed", "error", "message"),
    [
        ("means", DtypeError, "fixed: 'means' (str) seen; allowed: a mapping such as"),
        ([0], DtypeError, "fixed: [0] (list) seen; allowed: a mapping"),
        ({"mean": True}, InputError, "fixed: 'mean' seen; allowed: 'weights', 'means', 'mus', "),
        ({0: True}, InputError, "fixed: 0 seen; allowed"),
        ({"mus": 0, "means": 1}, InputError, "fixed: 'mus' and 'means' mean the same; give one"),
        (
            {"means": [0, 3, -1]},
            InputError,
            "fixed['means']: 2 of 3 values are no component, first at index 1: 3; allowed: 0 to 2",
        ),
        ({"means": "all"}, DtypeError, "fixed['means']: 'all' (str) seen; allowed: True (all"),
        ({"means": 1.0}, DtypeError, "fixed['means']: 1.0 (float) seen"),
        ({"means": [[0]]}, DtypeError, "fixed['means']: [[0]] (list) seen"),
        ({"means": [[0], [1, 2]]}, DtypeError, "fixed['means']: [[0], [1, 2]] (list) seen"),
        ({"means": None}, DtypeError, "fixed['means']: None seen"),
        ({"means": [True]}, InputError, "fixed['means']: 1 of True and False seen; allowed: one"),
    ],
)
def test_what_is_no_component_is_refused(fixed, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        parse_fixed(fixed, 3)


@pytest.mark.parametrize("structure", ["tied", "tied_diag", "tied_spherical"])
def test_shared_covariances_are_held_together(structure):
    assert parse_fixed({"covariances": True}, 3, structure).covariances.all()
    assert not parse_fixed({"covariances": []}, 3, structure).some
    with pytest.raises(InputError, match="the covariance of 2 of 3 components is held"):
        parse_fixed({"covariances": [0, 1]}, 3, structure)


def test_held_weights_are_checked():
    weights = np.array([0.7, 0.6, 0.1])
    check_held_weights(weights, np.array([True, False, True]))
    check_held_weights(np.array([0.5, 0.4, 0.1]), np.array([True, True, True]))
    with pytest.raises(InputError, match=r"held sum to 1.3, which leaves nothing for the 1 comp"):
        check_held_weights(weights, np.array([True, True, False]))
    with pytest.raises(
        InputError, match=r"2 of 2 held weights are held at 0, first at component 0"
    ):
        check_held_weights(np.array([0.0, 1.0, 0.0]), np.array([True, False, True]))


# -- the number of parameters --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("structure", "counts"),
    [
        ("full", [2, 5, 11, 17, 59]),
        ("diag", [2, 5, 9, 14, 35]),
        ("spherical", [2, 5, 7, 11, 23]),
        ("tied", [2, 4, 8, 11, 29]),
        ("tied_diag", [2, 4, 7, 10, 23]),
        ("tied_spherical", [2, 4, 6, 9, 20]),
    ],
)
def test_numbers_of_parameters(structure, counts):
    # Written out by hand: K - 1, K d, and those of the covariances.
    shapes = [(1, 1), (2, 1), (2, 2), (3, 2), (4, 4)]
    assert [number_of_parameters(k, d, structure) for k, d in shapes] == counts


@given(
    st.integers(1, 6),
    st.integers(1, 5),
    st.sampled_from(STRUCTURES),
    st.data(),
)
def test_what_is_held_is_not_free(ngauss, nvars, structure, data):
    masks = st.lists(st.booleans(), min_size=ngauss, max_size=ngauss).map(np.array)
    held = Fixed(data.draw(masks), data.draw(masks), data.draw(masks))
    if structure.startswith("tied"):
        held = held._replace(covariances=np.full(ngauss, data.draw(st.booleans())))
    free = number_of_parameters(ngauss, nvars, structure, held)
    everything = number_of_parameters(ngauss, nvars, structure)
    assert 0 <= free <= everything
    assert number_of_parameters(ngauss, nvars, structure, Fixed.nothing(ngauss)) == everything
    all_held = Fixed(*np.ones((3, ngauss), dtype=bool))
    assert number_of_parameters(ngauss, nvars, structure, all_held) == 0
    # Letting one more mean go frees as many parameters as there are variables.
    for k in np.flatnonzero(held.means)[:1]:
        means = held.means.copy()
        means[k] = False
        more = number_of_parameters(ngauss, nvars, structure, held._replace(means=means))
        assert more == free + nvars


def test_structures_have_names():
    with pytest.raises(InputError, match="did you mean 'diag'"):
        number_of_parameters(2, 2, "diagonal")
