"""The pages of the documentation: their examples run, their figures and links are there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_the_tutorial_runs_as_it_is_written_and_draws_its_figures(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    state = np.random.get_state()  # noqa: NPY002  (the page seeds it)
    try:
        result = doctest.testfile(str(ROOT / "docs" / "tutorial.md"), module_relative=False)
    finally:
        plt.close("all")
        np.random.set_state(state)  # noqa: NPY002
    assert result.attempted > 50
    assert result.failed == 0
    drawn = {path.name for path in (tmp_path / "images").iterdir()}
    shown = set(
        re.findall(r"images/(tutorial[\w-]+\.png)", (ROOT / "docs/tutorial.md").read_text())
    )
    kept = {path.name for path in (ROOT / "docs" / "images").glob("tutorial-*.png")}
    assert drawn == shown == kept


@pytest.mark.parametrize("name", ["coming-from-pypr"])
def test_a_page_without_figures_runs_as_it_is_written(name):
    state = np.random.get_state()  # noqa: NPY002  (the page seeds it)
    try:
        result = doctest.testfile(str(ROOT / "docs" / f"{name}.md"), module_relative=False)
    finally:
        np.random.set_state(state)  # noqa: NPY002
    assert result.attempted > 10
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_figures_of_a_page_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []
