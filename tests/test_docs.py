"""The pages of the documentation: their examples run, their figures and links are there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


def _load_render():
    spec = importlib.util.spec_from_file_location("render", DOCS / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


render = _load_render()


@pytest.mark.parametrize("page", render.pages(), ids=lambda page: page.stem)
def test_a_page_runs_as_it_is_written_and_draws_its_figures(page, tmp_path):
    result = render.run(page, tmp_path)
    assert result.attempted > 10
    assert result.failed == 0
    drawn = {path.name for path in (tmp_path / "images").iterdir()}
    shown = set(re.findall(rf"images/({page.stem}-[\w-]+\.png)", page.read_text(encoding="utf-8")))
    kept = {path.name for path in (DOCS / "images").glob(f"{page.stem}-*.png")}
    assert drawn == shown == kept


def test_every_figure_belongs_to_a_page():
    shown = set()
    for page in PAGES:
        shown |= set(re.findall(r"images/([\w-]+\.png)", page.read_text(encoding="utf-8")))
    assert {path.name for path in (DOCS / "images").iterdir()} == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_figures_of_a_page_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []
