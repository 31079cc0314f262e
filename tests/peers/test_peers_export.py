"""Tables and sources beside MultiMin's: the same columns, the same layout, the same density."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import mogfit
from tests.peers import multimin, quietly

# The published mixtures, and their truncated ones.
ROTATED = np.array(
    [
        [
            [1.132931, -0.33952, 0.223726],
            [-0.33952, 2.282436, -1.675999],
            [0.223726, -1.675999, 4.314632],
        ],
        [[0.621908, 0.102606, 0.0], [0.102606, 0.058092, 0.0], [0.0, 0.0, 10.89]],
    ]
)  # fmt: skip
CASES = {
    "1-D": {"weights": [0.4, 0.6], "mus": [0.0, 2.5], "Sigmas": [1.0, 0.25]},
    "2-D": {
        "weights": [0.3, 0.2, 0.5],
        "mus": [[0.1, 0.3], [2.0, -1.5], [-0.7, 0.0]],
        "Sigmas": [[[1.0, 0.2], [0.2, 2.0]], [[0.5, 0.0], [0.0, 0.1]], [[0.3, -0.1], [-0.1, 0.2]]],
    },
    "3-D": {"weights": [0.4, 0.6], "mus": [[1.0, 0.5, -0.5], [1.0, -0.6, 0.5]], "Sigmas": ROTATED},
    "1-D truncated": {
        "weights": [0.5, 0.5], "mus": [0.2, 0.8], "Sigmas": [0.01, 0.03], "domain": [[0, 1]],
    },
    "3-D truncated": {
        "weights": [0.5, 0.5],
        "mus": [[0.0, 0.3, 0.0], [0.0, 0.7, 0.0]],
        "Sigmas": [np.diag([0.36, 0.0225, 0.36])] * 2,
        "domain": [None, [0, 1], None],
    },
}  # fmt: skip


@pytest.fixture(params=CASES)
def both(request):
    options = CASES[request.param]
    return multimin.MixtureOfGaussians(**options), mogfit.MixtureOfGaussians(**options)


# Tables


@pytest.mark.parametrize("sort_by", ["weight", "distance"])
@pytest.mark.parametrize("properties", [None, "names", "short", "dictionary"])
def test_tables_are_equal(both, sort_by, properties):
    theirs, ours = both
    names = ["q", "e", "i"][: ours.nvars]
    options = {
        None: None,
        "names": names,
        "short": names[:1],
        "dictionary": {name: {"label": f"${name}$", "range": None} for name in names},
    }
    given = {"sort_by": sort_by, "properties": options[properties]}
    expected, found = theirs.tabulate(**given), ours.tabulate(**given)
    if ours.nvars == 1:
        # There the column sigma_* holds variances; here one of its own does.
        variance = found.columns[-1]
        expected = expected.rename(columns={found.columns[-2]: variance})
        found = found[["w", found.columns[1], variance]]
    pd.testing.assert_frame_equal(found, expected, rtol=1e-13, atol=1e-15, check_exact=False)


def test_latex_tables_are_equal(both, capsys):
    theirs, ours = both
    expected, found = theirs.tabulate(type="latex"), ours.tabulate(type="latex")
    assert capsys.readouterr().out == f"{expected}\n{found}\n"
    if ours.nvars > 1:
        assert found == expected


def test_printed_tables_are_equal(capsys):
    mixtures = [lib.MixtureOfGaussians(**CASES["3-D"]) for lib in (multimin, mogfit)]
    for mog in mixtures:
        assert mog.tabulate(return_df=False) is None
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


# Sources


def assignments(code):
    """What a source assigns inside ``mog``, as text."""
    return dict(re.findall(r"^    (\w+) = (.*)$", code[code.index("def mog") :], re.MULTILINE))


@pytest.mark.parametrize("properties", [None, "names"])
def test_sources_have_the_same_names_and_numbers(both, properties):
    one, truncated = both[1].nvars == 1, both[1].domain is not None
    names = None if properties is None else ["q", "e", "i"][: both[1].nvars]
    options = {"print_code": False, "properties": names}
    expected, found = (assignments(mog.get_function(**options)[0]) for mog in both)
    # One variable's masses are left to scipy there.
    masses = {"Z1", "Z2"} if one and truncated else set()
    assert found.keys() == expected.keys() | masses
    # The calls differ; and theirs calls a variance sigma where there is one variable in a domain.
    other = {name for name in expected if expected[name] != found[name] and name[0] != "n"}
    assert other == {name for name in expected if name.startswith("sigma") and one and truncated}
    for name in other:
        assert float(found[name]) ** 2 == pytest.approx(float(expected[name]), rel=1e-5)


def test_layouts_end_alike(both):
    endings = [mog.get_function(print_code=False)[0].partition("    w1 = ")[2] for mog in both]
    assert endings[0] == endings[1]


def test_functions_are_equal(both):
    theirs, ours = both
    points = np.random.default_rng(0).uniform(-1, 2, (20, ours.nvars))
    expected = theirs.get_function(print_code=False)[1]
    found = ours.get_function(print_code=False)[1]
    # Theirs is right for single floats alone where there is one variable.
    rows = [float(row[0]) if ours.nvars == 1 else row for row in points]
    values = np.array([expected(row) for row in rows])
    np.testing.assert_allclose([found(row) for row in rows], values, rtol=2e-5, atol=1e-12)
    np.testing.assert_allclose(found(points), values, rtol=2e-5, atol=1e-12)
    np.testing.assert_allclose(found(points), theirs.pdf(points), rtol=2e-5, atol=1e-12)


def test_formulas_begin_alike(both):
    results = [mog.get_function(print_code=False, type="latex") for mog in both]
    assert [function for _, function in results] == [None, None]
    expected, found = (text for text, _ in results)
    formula = re.compile(r"^\$\$f\(.*$", re.MULTILINE)
    assert formula.search(expected).group().replace("_T", "") == formula.search(found).group()
    arrays = re.compile(r"^\$\$\\(?:boldsymbol|mathbf)\{.*array.*$", re.MULTILINE)
    assert arrays.findall(expected) == arrays.findall(found)


@pytest.mark.parametrize("options", [{"sort_by": "size"}, {"sort_by": None}])
def test_both_refuse_another_order(both, options):
    for mog in both:
        with pytest.raises(ValueError, match="sort_by"):
            quietly(mog.tabulate, **options)
