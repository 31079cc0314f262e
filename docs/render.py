"""Draw the figures of the pages anew: ``python docs/render.py [PAGE ...]``, all when none is named.

Runs every block of docs/PAGE.md, as the tests do, and puts the figures that it draws into
docs/images, with as many colours as they need. Fails where a page answers otherwise than it says,
and then leaves the images as they are.
"""

from __future__ import annotations

import doctest
import os
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def pages() -> list[Path]:
    """Find the pages whose blocks can be run."""
    return [page for page in sorted(DOCS.glob("*.md")) if ">>> " in page.read_text("utf-8")]


def run(page: Path, folder: Path) -> doctest.TestResults:
    """Run the blocks of a page in a folder, into whose ``images`` it then has drawn its figures."""
    import matplotlib.pyplot as plt
    import numpy as np

    (folder / "images").mkdir(exist_ok=True)
    before = Path.cwd()
    random = np.random.get_state()  # noqa: NPY002  (pages seed it)
    os.chdir(folder)
    try:
        with plt.rc_context():
            plt.switch_backend("Agg")
            return doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    finally:
        plt.close("all")
        np.random.set_state(random)  # noqa: NPY002
        os.chdir(before)


def shrink(drawn: Path, kept: Path) -> None:
    """Keep a figure with a palette of its own: a third of the bytes, and no difference to see."""
    from PIL import Image

    with Image.open(drawn) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(kept, optimize=True)


def main(names: list[str]) -> int:
    """Render the pages of these names; return how many of their answers were wrong."""
    wrong = 0
    for page in pages():
        if names and page.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            failed = run(page, Path(folder)).failed
            wrong += failed
            if not failed:
                for drawn in sorted((Path(folder) / "images").iterdir()):
                    shrink(drawn, DOCS / "images" / drawn.name)
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
