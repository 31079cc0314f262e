"""What importing the figures costs, and what they import."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mogfit
from mogfit import plotting

ROOMS = Path(mogfit.__file__).parent


def test_matplotlib_waits_until_a_figure_is_asked_for(run_python):
    run_python(
        "import sys, mogfit, mogfit.plotting\n"
        "from mogfit.properties import parse_properties\n"
        "from mogfit.density.marginal import marginal\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from mogfit.plotting import MultiPlot, multimin_watermark\n"
        "assert 'matplotlib.pyplot' in sys.modules\n"
    )


def test_every_public_name_is_there():
    for name in plotting.__all__:
        assert callable(getattr(plotting, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        plotting.nothing  # noqa: B018


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for room in ("plotting", "density", "algebra")
        for path in (ROOMS / room).glob("*.py")
        # The corner figure takes fits, and stands above the faces.
        if path.name != "corner.py"
    ),
    ids=lambda path: path.name,
)
def test_no_import_runs_back_up_to_the_faces(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.module not in ("mogfit.mixture", "mogfit.fit"), node.lineno
            if node.module == "mogfit":
                assert [name.name for name in node.names] == ["_core"], node.lineno
