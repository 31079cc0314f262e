"""Names, labels and ranges of variables, in every form in which they may be given."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from mogfit import properties as module
from mogfit.errors import DtypeError, InputError
from mogfit.properties import parse_properties

A, B, C = ({"label": f"${letter}$", "range": None} for letter in "abc")


def named(name, label=None, span=None):
    return {name: {"label": label or name, "range": span}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {"a": A, "b": B, "c": C}),
        (["x", "y", "z"], {**named("x"), **named("y"), **named("z")}),
        (("x",), {**named("x"), "b": B, "c": C}),
        (np.array(["x", "y"]), {**named("x"), **named("y"), "c": C}),
        ("xyz", {**named("x"), **named("y"), **named("z")}),
        (["b"], {**named("b"), "a": A, "c": C}),
        ({"u": {"label": "$u$", "range": [0, 1]}}, {**named("u", "$u$", [0, 1]), "b": B, "c": C}),
        ({"u": {}, "v": None, "w": "W"}, {**named("u"), **named("v"), **named("w", "W")}),
        (
            {"u": (0, 1), "v": {"range": np.array([2, 3])}},
            {**named("u", span=[0, 1]), **named("v", span=[2, 3]), "c": C},
        ),
    ],
)
def test_every_form(given, expected):
    assert parse_properties(given, 3) == expected


def test_one_variable_may_be_a_word():
    assert parse_properties("energy", 1) == named("energy")


def test_ranges_fill_what_properties_leave_open():
    ranges = [(0, 1), None, [2, 3]]
    found = parse_properties({"x": {"range": [5, 6]}, "y": None}, 3, ranges)
    assert [entry["range"] for entry in found.values()] == [[5, 6], None, [2, 3]]
    assert parse_properties(None, 2, [[0, 1]])["a"]["range"] == [0, 1]


def test_names_of_the_data_are_the_default():
    assert list(parse_properties(None, 3, names=("q", "e", "i"))) == ["q", "e", "i"]
    assert list(parse_properties(["x"], 3, names=("q", "e", "i"))) == ["x", "e", "i"]


def test_what_else_users_say_is_kept_and_their_dict_is_not_touched():
    given = {"x": {"unit": "km"}}
    assert parse_properties(given, 1)["x"] == {"label": "x", "range": None, "unit": "km"}
    assert given == {"x": {"unit": "km"}}


def test_what_is_too_much_is_passed_over():
    assert parse_properties(["x", "y"], 1, [(0, 1), (2, 3)]) == named("x", span=[0, 1])


def test_more_variables_than_letters_have_names():
    assert len(parse_properties(None, 60)) == 60


def test_parsing_again_changes_nothing():
    once = parse_properties(["x"], 3, [(0, 1)])
    assert parse_properties(once, 3) == once


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((["x", "x"], 2), "'x' seen twice"),
        ((["x"], 1, [(1, 0)]), "'x': (1, 0) seen"),
        ((["x"], 1, [(0, np.inf)]), "finite, low < high"),
        (({"x": [1, 2, 3]}, 1), "finite, low < high"),
        (({"x": {"range": "ab"}}, 1), "'ab' seen"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(InputError) as caught:
        parse_properties(*arguments)
    assert words in str(caught.value)


def test_other_kinds_are_refused():
    with pytest.raises(DtypeError, match=r"properties: 3 \(int\) seen"):
        parse_properties(3, 3)


def test_doctests():
    assert doctest.testmod(module).failed == 0
