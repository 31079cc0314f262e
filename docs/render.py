"""Draw the figures of the tutorial anew: ``python docs/render.py``.

Runs every block of docs/tutorial.md in its folder, and fails where one answers otherwise than the
page says.
"""

from __future__ import annotations

import doctest
import os
import sys
from pathlib import Path

import matplotlib as mpl

PAGES = ("tutorial.md",)


def run(page: Path) -> int:
    """Run the blocks of a page; return how many answers were not the page's."""
    return doctest.testfile(str(page), module_relative=False).failed


if __name__ == "__main__":
    mpl.use("Agg")
    folder = Path(__file__).resolve().parent
    os.chdir(folder)
    sys.exit(sum(run(folder / page) for page in PAGES))
