"""Mixtures as plain dictionaries: bit for bit there and back, or refused with a reason."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

import mogfit as mn
from mogfit.errors import InputError
from mogfit.export.mixture_record import mixture_record, state_from_dict
from tests.export import TRUNCATED_3D, TUTORIAL, mixture


def rebuilt(record):
    mog = mn.MixtureOfGaussians.__new__(mn.MixtureOfGaussians)
    mog.__setstate__(state_from_dict(record))
    return mog


EVERY = {
    "one variable": TUTORIAL,
    "truncated": TRUNCATED_3D,
    "free": mixture(3, 4, scales=[1e-150, 1.0, 1e150]),
    "names": mixture(2, 2, names=("q", "e")),
    "components": mixture(3, 3, truncation="components"),
    "whole": mixture(2, 3, truncation="mixture"),
    "counts": mn.MixtureOfGaussians(
        weights=[3.0, 9.0], mus=[[0.0, 1.0], [2.0, 0.0]], normalize_weights=False
    ),
}


@pytest.mark.parametrize("mog", EVERY.values(), ids=EVERY)
def test_every_bit_comes_back_through_json(mog):
    record = mixture_record(mog)
    text = json.dumps(record, allow_nan=False)
    again = rebuilt(json.loads(text))
    assert again.params.tobytes() == mog.params.tobytes()
    assert (again.names, again.domain, again.truncation, again.normalize_weights) == (
        mog.names, mog.domain, mog.truncation, mog.normalize_weights,
    )  # fmt: skip
    points = mog.rvs(10, rng=0)
    np.testing.assert_array_equal(again.logpdf(points), mog.logpdf(points))
    assert mixture_record(again) == record


def test_the_dictionary_is_plain():
    assert mixture_record(EVERY["names"]).keys() == {
        "names", "normalize_weights", "weights", "mus", "Sigmas",
    }  # fmt: skip
    record = mixture_record(mixture(2, 1, domain=[(0, None), None], truncation="mixture"))
    assert record["domain"] == [[0.0, None], None]
    assert record["truncation"] == "mixture"
    kinds = {type(x) for part in record.values() for x in np.ravel(np.array(part, dtype=object))}
    assert kinds <= {float, bool, str, list, type(None)}


def test_lists_may_be_tuples_and_arrays_and_whole_numbers():
    record = mixture_record(EVERY["free"])
    loose = record | {
        "weights": np.array(record["weights"]),
        "mus": tuple(tuple(row) for row in record["mus"]),
        "Sigmas": [np.array(matrix) for matrix in record["Sigmas"]],
        "normalize_weights": np.bool_(True),
    }
    assert rebuilt(loose).params.tobytes() == EVERY["free"].params.tobytes()
    whole = {"names": None, "normalize_weights": True, "weights": [1], "mus": [[0]]}
    assert rebuilt(whole | {"Sigmas": [[[4]]]}).sigmas[0, 0] == 2.0


def test_the_dictionary_is_not_touched():
    record = mixture_record(TRUNCATED_3D)
    before = json.dumps(record)
    state_from_dict(record)
    assert json.dumps(record) == before


TINY = mixture_record(mixture(2, 2, domain=[(0, 1), None]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": ...}, "record: has no 'weights'"),
        ({"Sigmas": ...}, "record: has no 'Sigmas'"),
        ({"mus": ...}, "record: has no 'mus'"),
        ({"names": ...}, "record: has no 'names'"),
        ({"normalize_weights": ...}, "record: has no 'normalize_weights'"),
        ({"truncation": ...}, "record: has no 'truncation'"),
        ({"Sigma": 1}, "record: 'Sigma' seen; allowed: 'names'"),
        ({3: 1}, "record: 3 seen"),
        ({"normalize_weights": 1}, "record.normalize_weights: 1 seen"),
        ({"names": ["a"]}, "record.names: ['a'] seen; allowed: 2 texts"),
        ({"names": ["a", 2]}, "record.names"),
        ({"names": "ab"}, "record.names: 'ab' seen, of another type"),
        ({"weights": [0.5]}, "record.weights: 1 entries seen where shape (2,) needs 2"),
        ({"weights": [0.5, True]}, "record.weights: True seen; allowed: finite numbers"),
        ({"weights": [0.5, "0.5"]}, "record.weights: '0.5' seen"),
        ({"weights": [0.5, 10**400]}, "record.weights: an integer too large"),
        ({"weights": [2.0, 2.0]}, "record.weights: a sum of 4 seen; allowed: 1"),
        ({"weights": [1.5, -0.5]}, "weights: 1 of 2 values is negative"),
        ({"weights": [0.5, math.nan]}, "weights"),
        ({"weights": 0.5}, "record.weights: 0.5 seen, of another type"),
        ({"mus": []}, "record.mus: [] (list) seen; allowed: a list of V numbers"),
        ({"mus": [[], []]}, "record.mus"),
        ({"mus": [0.0, 1.0]}, "record.mus"),
        ({"mus": 3}, "record.mus: 3 seen"),
        ({"mus": [[0.0, 1.0], [0.0]]}, "record.mus: 1 entries seen where shape (2, 2) needs 2"),
        ({"mus": [[0.0, math.inf], [0.0, 1.0]]}, "mus: 1 of 4 values is not finite"),
        ({"Sigmas": [[1.0, 0.0], [0.0, 1.0]]}, "record.Sigmas"),
        ({"Sigmas": [[[1.0, 2.0], [2.0, 1.0]]] * 2}, "component 0 is not positive definite"),
        ({"Sigmas": [[[1.0, 0.5], [0.2, 1.0]]] * 2}, "component 0 is not symmetric"),
        ({"domain": [None]}, "record.domain: 1 entries seen for 2 variables"),
        ({"domain": [[1, 0], None]}, "record.domain: [1, 0] seen at index 0"),
        ({"domain": [["0", 1], None]}, "record.domain"),
        ({"domain": None}, "record.domain"),
        ({"truncation": "none"}, "record.truncation: 'none' seen; allowed: 'components'"),
    ],
)  # fmt: skip
def test_what_is_no_mixture_is_refused(change, words):
    record = {key: value for key, value in (TINY | change).items() if value is not ...}
    with pytest.raises(InputError, match=re.escape(words)):
        rebuilt(record)


@pytest.mark.parametrize("record", [None, [], "{}", 3, {1}])
def test_what_is_no_dictionary_is_refused(record):
    with pytest.raises(InputError, match=r"record: .*; allowed: a dictionary"):
        state_from_dict(record)
