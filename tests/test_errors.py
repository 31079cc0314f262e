"""The error families, their builtins, and the wording of messages."""

from __future__ import annotations

import copy
import doctest
import importlib.util
import pickle
import sys
import warnings

import numpy as np
import pytest

from mogfit import errors

FAMILIES = {
    errors.InputError: (ValueError,),
    errors.DomainError: (ValueError,),
    errors.DegenerateError: (ValueError,),
    errors.FileFormatError: (ValueError,),
    errors.UnsafeFileError: (ValueError,),
    errors.DtypeError: (TypeError,),
    errors.NotFittedError: (ValueError, AttributeError),
}
WARNINGS = [errors.ConvergenceWarning, errors.DegeneracyWarning, errors.DataWarning]


@pytest.mark.parametrize(("family", "builtins"), FAMILIES.items())
def test_each_error_is_caught_as_its_builtin(family, builtins):
    for caught in (*builtins, errors.MoGError):
        with pytest.raises(caught, match="what was wrong"):
            raise family("what was wrong")


def test_families_are_told_apart():
    for family in FAMILIES:
        others = [other for other in FAMILIES if other is not family]
        assert not any(issubclass(family, other) for other in others)
    assert not issubclass(errors.DtypeError, ValueError)
    assert not issubclass(errors.InputError, TypeError)


@pytest.mark.parametrize("category", WARNINGS)
def test_warnings_are_user_warnings_with_one_base(category):
    assert issubclass(category, errors.MoGWarning)
    assert issubclass(category, UserWarning)


@pytest.mark.parametrize("family", [*FAMILIES, *WARNINGS])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_survive_pickle_and_copy(family, protocol):
    original = family("data: 1 of 3 values is NaN")
    for twin in (
        pickle.loads(pickle.dumps(original, protocol)),
        copy.deepcopy(original),
    ):
        assert type(twin) is family
        assert twin.args == original.args
        assert str(twin) == str(original)


def test_bad_values_message_follows_the_documented_order():
    message = errors.bad_values_message(
        "data",
        12,
        1000,
        "outside the domain",
        first=errors.place(row=7, column=0, name="q"),
        seen=1.2,
        allowed="0 <= q <= 1",
        remedy="widen the domain",
    )
    assert message == (
        "data: 12 of 1000 values are outside the domain, first at row 7, column 0 ('q'): 1.2; "
        "allowed: 0 <= q <= 1; widen the domain"
    )


def test_place_names_only_what_is_known():
    assert errors.place(component=2) == "component 2"
    assert errors.place(index=0) == "index 0"
    assert errors.place(component=0, row=1, column=2) == "component 0, row 1, column 2"


def test_shape_message_quotes_both_shapes_as_plain_integers():
    message = errors.shape_message(
        "mus",
        np.zeros((2, 3)).shape,
        (np.int64(3), 3),
        other="weights",
        other_shape=(3,),
    )
    assert message == (
        "mus: shape (2, 3) seen, shape (3, 3) expected to agree with weights of shape (3,)"
    )
    assert errors.shape_message("data", (), "a 2-D array") == (
        "data: shape () seen, a 2-D array expected"
    )


def test_scalar_message_says_the_type_that_misled():
    assert "True (bool) seen" in errors.scalar_message("ngauss", True, "an integer >= 1")
    assert "'3' (str) seen" in errors.scalar_message("ngauss", "3", "an integer >= 1")
    assert errors.scalar_message("mus", None, "an array") == "mus: None seen; allowed: an array"


def test_a_huge_value_does_not_flood_the_message():
    assert len(errors.scalar_message("names", "x" * 10_000, "a short name")) < 200
    # Python refuses to spell out so many digits.
    assert "<int> (int) seen" in errors.scalar_message("ngauss", 10**5000, "an integer >= 1")


def test_choice_message_suggests_only_what_is_near():
    assert errors.choice_message("method", "em", ["L-BFGS-B", "EM"]).endswith("mean 'EM'?")
    assert "did you mean" not in errors.choice_message("method", "qqq", ["L-BFGS-B", "EM"])
    assert "did you mean" not in errors.choice_message("method", 7, ["L-BFGS-B", "EM"])


def test_missing_package_message_names_the_extra():
    message = errors.missing_package_message("pandas", "to read a table", extra="data")
    assert message.endswith("pip install 'mogfit[data]'")


def test_warning_points_at_the_code_outside_the_package(tmp_path, monkeypatch):
    # A stand-in for the package, with one more frame between the user's call and warn_user.
    module = tmp_path / "inside.py"
    module.write_text(
        "def outer(warn, category):\n    inner(warn, category)\n"
        "def inner(warn, category):\n    warn('odd data', category)\n"
    )
    spec = importlib.util.spec_from_file_location("inside", module)
    inside = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inside)
    monkeypatch.setattr(errors, "_HOMES", (errors.__file__, str(tmp_path)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        inside.outer(errors.warn_user, errors.DataWarning)
        line = sys._getframe().f_lineno - 1
    assert [(item.filename, item.lineno) for item in caught] == [(__file__, line)]
    assert caught[0].category is errors.DataWarning


def test_docstring_examples_run():
    result = doctest.testmod(errors)
    assert result.attempted >= 6
    assert result.failed == 0
