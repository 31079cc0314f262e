"""Names of variables, as they are given and as they are written."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogfit.errors import DtypeError, InputError
from mogfit.export.names import identifiers, latex_name, property_names


def test_variables_without_names_are_numbered():
    assert property_names(None, 3) == ("1", "2", "3")
    assert property_names(["q"], 3) == ("q", "2", "3")
    assert property_names({"q": {}, "e": None}, 3) == ("q", "e", "3")
    assert property_names([], 2) == property_names({}, 2) == ("1", "2")


def test_names_of_the_mixture_stand_in_only_where_none_are_given():
    assert property_names(None, 2, ("q", "e")) == ("q", "e")
    assert property_names(["a", "b"], 2, ("q", "e")) == ("a", "b")
    assert property_names(["a"], 2, ("q", "e")) == ("a", "e")


def test_what_figures_are_told_of_a_variable_does_not_matter():
    described = {"q": {"label": "$q$ [au]", "range": [0, 1.3]}, "e": "$e$", "i": None, "W": [0, 1]}
    assert property_names(described, 4) == ("q", "e", "i", "W")


@pytest.mark.parametrize(
    ("properties", "error", "words"),
    [
        (["a", "a"], InputError, "properties: 'a' seen twice"),
        (["2"], InputError, "properties: '2' seen twice"),
        (5, DtypeError, "properties: 5 (int) seen; allowed: None"),
    ],
)
def test_what_names_no_variables_is_refused(properties, error, words):
    with pytest.raises(error, match=re.escape(words)):
        property_names(properties, 2)


NASTY = ["", " ", "class", "a b", "a-b", "x;y", "β", "ﬁ", "fi", "a\u0301", "\ud800", "1", "²", "__"]


@given(st.lists(st.text(max_size=6) | st.sampled_from(NASTY), max_size=8))
def test_endings_make_different_identifiers_of_any_names(names):
    for ascii_only in (False, True):
        endings = identifiers(names, ascii_only=ascii_only)
        # Python compares identifiers in this form.
        read = [unicodedata.normalize("NFKC", f"mu1_{ending}") for ending in endings]
        assert len(set(read)) == len(names)
        assert all(name.isidentifier() for name in read)
        assert read == [f"mu1_{ending}" for ending in endings]
        assert not ascii_only or "".join(endings).isascii()


def test_endings_keep_good_names_and_tell_bad_ones_apart():
    assert identifiers(["q", "M_sun", "β"]) == ("q", "M_sun", "β")
    assert identifiers(["q", "M_sun", "β"], ascii_only=True) == ("q", "M_sun", "3")
    assert identifiers(["a_2", "a b", "a_b", "a_b_2", "a"]) == (
        "a_2", "a_b", "a_b_2", "a_b_2_2", "a",
    )  # fmt: skip
    assert identifiers(["", "?"]) == ("1", "2")


@given(st.text())
def test_no_name_ends_the_mathematics_or_a_group(name):
    shown = latex_name(name)
    plain = re.sub(r"\\([{}$&#%_ ]|backslash |wedge |sim )", "", shown)
    assert not set(plain) & set("\\{}$&#%_^~ \n\r\t\0")


def test_what_latex_reads_as_it_is_stays():
    assert latex_name("q1") == "q1"
    assert latex_name("β") == "β"
    assert latex_name("a\nb") == r"a\ b"
