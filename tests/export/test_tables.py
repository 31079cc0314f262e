"""Components as a data frame, as LaTeX and as HTML."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import mogfit as mn
from mogfit.errors import InputError
from mogfit.export.tables import component_table, html_table, tabulate
from tests.export import TRUNCATED, TRUNCATED_3D, TUTORIAL, mixture

THREE = mn.MixtureOfGaussians(
    weights=[0.2, 0.5, 0.3],
    mus=[[1.0, 2.0], [-3.0, 0.1], [0.0, 0.5]],
    Sigmas=[[[4.0, 1.0], [1.0, 1.0]], np.eye(2), [[0.25, -0.1], [-0.1, 0.16]]],
)


def test_several_variables_have_weights_means_widths_and_correlations():
    table = component_table(THREE)
    assert table.columns.tolist() == ["w", "mu_1", "mu_2", "sigma_1", "sigma_2", "rho_12"]
    assert table.index.name == "component"
    assert table.index.dtype == np.int64
    assert (table.dtypes == np.float64).all()
    assert table.index.tolist() == [2, 3, 1]
    np.testing.assert_allclose(
        table.loc[[1, 2, 3]],
        [
            [0.2, 1.0, 2.0, 2.0, 1.0, 0.5],
            [0.5, -3.0, 0.1, 1.0, 1.0, 0.0],
            [0.3, 0.0, 0.5, 0.5, 0.4, -0.5],
        ],
        rtol=1e-15,
    )


def test_pairs_are_in_the_order_of_the_vectors():
    table = component_table(mixture(4, 2), properties=list("abcd"))
    assert table.columns[-6:].tolist() == [f"rho_{p}" for p in ("ab", "ac", "ad", "bc", "bd", "cd")]


def test_one_variable_shows_its_standard_deviation_and_its_variance():
    table = component_table(TUTORIAL, properties=["u"])
    assert table.columns.tolist() == ["w", "mu_u", "sigma_u", "var_u"]
    np.testing.assert_array_equal(table.loc[2], [0.5, 2.5, 0.5, 0.25])


def test_components_are_sorted_by_weight_or_distance():
    assert component_table(THREE, "weight").index.tolist() == [2, 3, 1]
    assert component_table(THREE, "distance").index.tolist() == [3, 1, 2]
    even = mixture(2, 3)
    even.weights = [1, 1, 1]
    assert component_table(even).index.tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="sort_by: 'size' seen; allowed: 'weight', 'distance'"):
        component_table(THREE, "size")


def test_names_of_the_mixture_are_the_default():
    assert component_table(mixture(2, 1, names=("q", "e"))).columns[1] == "mu_q"
    assert component_table(THREE, properties=["a", "b"]).columns[-1] == "rho_ab"


def test_names_that_run_together_lose_no_column():
    table = component_table(mixture(3, 1), properties=["a", "ab", "bb"])
    assert table.shape == (1, 10)


def test_the_table_is_the_users_own():
    table = component_table(THREE)
    table.loc[1, "mu_1"] = 99.0
    assert THREE.mus[0, 0] == 1.0


# tabulate


def test_a_data_frame_is_returned_or_printed(capsys):
    table = tabulate(THREE, "distance", properties=["q", "e"])
    pd.testing.assert_frame_equal(table, component_table(THREE, "distance", ["q", "e"]))
    assert capsys.readouterr().out == ""
    assert tabulate(THREE, "distance", return_df=False, properties=["q", "e"]) is None
    assert capsys.readouterr().out == table.to_string() + "\n"
    pd.testing.assert_frame_equal(THREE.tabulate(), component_table(THREE))


def test_digits_round_a_data_frame(capsys):
    mog = mn.MixtureOfGaussians(mus=[1 / 3], Sigmas=[2e-9])
    assert tabulate(mog, digits=2).iloc[0].tolist() == [1.0, 0.33, 4.5e-5, 2e-9]
    assert tabulate(mog, digits="full").loc[1, "mu_1"] == tabulate(mog).loc[1, "mu_1"] == 1 / 3
    tabulate(mog, return_df=False, digits="full")
    assert "0.3333333333333333" in capsys.readouterr().out


LATEX = r"""\begin{table*}
\begin{tabular}{lrrrrrr}
\hline
$k$ & $w$ & $\mu_{1}$ & $\mu_{2}$ & $\sigma_{1}$ & $\sigma_{2}$ & $\rho_{12}$ \\
\hline
2 & 0.5 & -3 & 0.1 & 1 & 1 & 0 \\
3 & 0.3 & 0 & 0.5 & 0.5 & 0.4 & -0.5 \\
1 & 0.2 & 1 & 2 & 2 & 1 & 0.5 \\
\hline
\end{tabular}
\end{table*}"""


@pytest.mark.parametrize("return_df", [True, False])
def test_latex_is_printed_and_returned(return_df, capsys):
    assert tabulate(THREE, type="latex", return_df=return_df) == LATEX
    assert capsys.readouterr().out == LATEX + "\n"


def test_latex_has_four_digits_unless_more_are_asked_for():
    mog = mn.MixtureOfGaussians(mus=[-1234.5678], Sigmas=[1 / 9])

    def row(**options):
        return tabulate(mog, type="latex", **options).splitlines()[5]

    assert row() == r"1 & 1 & -1235 & 0.3333 & 0.1111 \\"
    assert row(digits=6) == r"1 & 1 & -1234.57 & 0.333333 & 0.111111 \\"
    assert row(digits="full") == (
        r"1 & 1.0 & -1234.5678 & 0.3333333333333333 & 0.1111111111111111 \\"
    )


def test_latex_writes_powers_of_ten_out():
    mog = mn.MixtureOfGaussians(mus=[1e5], Sigmas=[1e-12])
    assert tabulate(mog, type="latex").splitlines()[5] == (
        r"1 & 1 & $1 \times 10^{5}$ & $1 \times 10^{-6}$ & $1 \times 10^{-12}$ \\"
    )


def test_latex_escapes_names():
    head = tabulate(THREE, type="latex", properties=["M_sun", "50%"]).splitlines()[3]
    assert head == (
        r"$k$ & $w$ & $\mu_{M\_sun}$ & $\mu_{50\%}$ & $\sigma_{M\_sun}$ & $\sigma_{50\%}$"
        r" & $\rho_{M\_sun50\%}$ \\"
    )
    assert r"$\sigma^2_{u}$" in tabulate(TUTORIAL, type="latex", properties=["u"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": "html"}, "type: 'html' seen; allowed: 'df', 'latex'"),
        ({"digits": 0}, "digits: 0"),
        ({"digits": "all"}, "digits: 'all'"),
        ({"digits": 2.5}, "digits: 2.5"),
        ({"sort_by": None}, "sort_by"),
    ],
)
def test_what_cannot_be_tabulated_is_refused(options, words, capsys):
    with pytest.raises(InputError, match=re.escape(words)):
        tabulate(TUTORIAL, **options)
    assert capsys.readouterr().out == ""


def test_without_pandas_a_data_frame_says_so_and_latex_does_not_mind(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="the package pandas is needed for data frames"):
        tabulate(TUTORIAL)
    assert "tabular" in tabulate(TUTORIAL, type="latex")
    assert "<table>" in html_table(TUTORIAL)


# HTML


class Cells(HTMLParser):
    """The cells of each row, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.open, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        elif "table" not in self.open:
            self.text += data


def test_html_shows_sizes_and_components():
    cells = Cells(html_table(THREE))
    assert "3 components in 2 variables" in cells.text
    assert cells.rows == [
        ["k", "weight", "1", "2"],
        ["0", "0.2000", "1.000 ± 2.000", "2.000 ± 1.000"],
        ["1", "0.5000", "-3.000 ± 1.000", "0.100 ± 1.000"],
        ["2", "0.3000", "0.000 ± 0.500", "0.500 ± 0.400"],
    ]


def test_html_shows_the_domain():
    assert "truncated to 2 in [0, 1]" in Cells(html_table(TRUNCATED_3D)).text
    half = mixture(2, 1, domain=[(0, None), (None, 1.5)], truncation="mixture")
    assert "1 in [0, ∞), 2 in (-∞, 1.5], normalised as a whole" in Cells(html_table(half)).text
    assert "1 component in 1 variable\n" in Cells(html_table(mixture(1, 1))).text


def test_html_names_are_escaped():
    names = ["<script>alert(1)</script>", 'a"b']
    text = html_table(mixture(2, 1, domain=[(0, 1), None]), properties=names)
    assert "<script>" not in text
    cells = Cells(text)
    assert cells.rows[0][2:] == names
    assert "<script>alert(1)</script> in [0, 1]" in cells.text


def test_html_of_many_stops_and_says_how_many_are_left():
    cells = Cells(html_table(mixture(1, 15)))
    assert len(cells.rows) == 12
    assert cells.rows[-1] == ["and 5 more"]
    assert len(Cells(html_table(mixture(1, 15), most=20)).rows) == 16
    wide = Cells(html_table(mixture(11, 2)))
    assert wide.rows[0] == ["k", "weight", *map(str, range(1, 9)), "and 3 more"]
    assert {len(row) for row in wide.rows} == {11}
    with pytest.raises(InputError, match="most"):
        html_table(TRUNCATED, most=0)
