"""Numbers of components, tolerances and keywords that cannot be; fits before there are data."""

from __future__ import annotations

import numpy as np
import pytest

from mogfit import DomainError, DtypeError, FitMoG, InputError, MoGError
from tests.fitting import POINTS, fit, state


@pytest.mark.parametrize("ngauss", [0, -1, 2.5, 3.0, True, "3", None, np.float64(2), [2]])
def test_what_is_no_number_of_components(ngauss):
    with pytest.raises(
        InputError, match=r"^ngauss: .* seen; allowed: a whole number >= 1"
    ) as caught:
        FitMoG(POINTS, ngauss)
    assert isinstance(caught.value, ValueError)
    assert repr(ngauss) in str(caught.value)


@pytest.mark.parametrize("ngauss", [np.int64(3), np.uint8(3)])
def test_numpys_whole_numbers_are_whole_numbers(ngauss):
    np.testing.assert_array_equal(fit(ngauss=ngauss).mog.params, fit(ngauss=3).mog.params)


@pytest.mark.parametrize(
    ("keyword", "value", "error", "allowed"),
    [
        *[("tol", v, InputError, "a number > 0") for v in (-1, 0, "a", np.nan, np.inf, True)],
        *[
            ("penalty", v, InputError, "a number from 0 to below 1")
            for v in (-1, None, 1, "0", True)
        ],
        *[("n_starts", v, InputError, "a whole number >= 1") for v in (0, 1.5, "2", True)],
        *[("threads", v, InputError, "a whole number >= 1") for v in (0, -1, "2", 1.0, True)],
        ("random_state", "x", DtypeError, "None, a whole number >= 0, or a numpy"),
        ("random_state", -1, InputError, "a whole number >= 0"),
        ("random_state", 1.5, DtypeError, "None, a whole number >= 0, or a numpy"),
        ("normalize", 3, InputError, "True or False"),
        ("verbose", "loud", InputError, "a whole number"),
        ("advance", -1, InputError, "a whole number >= 0"),
        ("options", 3, DtypeError, "a mapping of names to values"),
        ("callback", 3, InputError, "a function of one argument"),
        ("bounds", 3, DtypeError, "18 pairs"),
    ],
)
def test_what_a_fit_refuses_names_the_value_and_what_is_allowed(keyword, value, error, allowed):
    F = fit(start=None)
    before = state(F)
    with pytest.raises(error) as caught:
        F.fit_data(**{keyword: value})
    assert str(caught.value).startswith(f"{keyword}: {value!r}")
    assert f"seen; allowed: {allowed}" in str(caught.value)
    assert isinstance(caught.value, MoGError)
    assert state(F) == before


@pytest.mark.parametrize("keyword", ["method_", "maxiter", "weights", "seed", "n_init", "ftol"])
def test_no_keyword_is_swallowed(keyword):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{keyword}'"):
        fit(**{keyword: 1})
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{keyword}'"):
        FitMoG(POINTS, 2, **{keyword: 1})


def test_a_fit_needs_data():
    F = FitMoG(ngauss=2, nvars=2)
    for call in (F.fit_data, F.log_l, F.norm_log_l):
        with pytest.raises(InputError, match="data: No data provided; give them here or to FitMoG"):
            call()
    F.fit_data(POINTS, random_state=1)
    assert F.report.converged


def test_another_number_of_columns_is_named_with_both_counts():
    with pytest.raises(
        InputError, match=r"data: shape \(3000, 2\) seen, shape \(N, 3\) expected; 2"
    ):
        FitMoG(POINTS, 2, nvars=3)
    F = fit()
    before = state(F)
    for call in (F.fit_data, F.log_l, F.mog.pdf):
        with pytest.raises(InputError, match=r"shape \(100, 3\) seen, .*3 columns .* 2 variables"):
            call(np.ones((100, 3)))
    with pytest.raises(InputError, match=r"transpose with data\.T"):
        FitMoG(POINTS[:50].T, 2, nvars=2)
    assert state(F) == before


@pytest.mark.parametrize("nvars", [0, 2.5, True, "2"])
def test_what_is_no_number_of_variables(nvars):
    with pytest.raises(InputError, match=r"^nvars: .*allowed: a whole number >= 1"):
        FitMoG(nvars=nvars)


@pytest.mark.parametrize("domain", [[None, (1, 0)], [None], "ab", 3, [(np.nan, 1), None]])
def test_what_is_no_domain(domain):
    with pytest.raises(DomainError, match=r"^domain: "):
        FitMoG(POINTS, 2, domain=domain)


def test_an_unbounded_domain_is_none():
    F = FitMoG(POINTS, 3, domain=[(-np.inf, np.inf), None])
    F.fit_data(random_state=1)
    np.testing.assert_array_equal(F.mog.params, fit().mog.params)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1.0, 2.0], InputError, r"sample_weight: shape \(2,\) seen, shape \(3000,\) expected"),
        (np.ones((3000, 1)), InputError, r"sample_weight: shape \(3000, 1\) seen"),
        (np.zeros(3000), InputError, "sample_weight: .* 0"),
        (np.r_[np.ones(2999), -1], InputError, "1 of 3000 values .* first at index 2999: -1.0"),
        (np.r_[np.nan, np.ones(2999)], InputError, "1 of 3000 values .* first at index 0: nan"),
        (
            np.r_[np.ones(7), np.inf, np.ones(2992)],
            InputError,
            "1 of 3000 values .* first at index 7: inf; allowed",
        ),
        (["a"] * 3000, DtypeError, "sample_weight: .*"),
    ],
)
def test_sample_weights_that_cannot_be_name_the_place_and_the_value(weights, error, message):
    F = FitMoG(POINTS, 3)
    before = state(F)
    with pytest.raises(error, match=message):
        F.fit_data(sample_weight=weights)
    assert state(F) == before
