"""The names of the package: all that MultiMin has, nothing slow at import, no dead names."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from types import ModuleType

import pytest

import mogfit

# MultiMin 0.11.2's own list of what is public.
MULTIMIN_ALL = [
    "__version__",
    "__author__",
    "__email__",
    "__url__",
    "__license__",
    "__description__",
    "show_watermark",
    "welcome",
    "ROOTDIR",
    "MultiMinBase",
    "Util",
    "Stats",
    "MultiPlot",
    "multimin_watermark",
    "MixtureOfGaussians",
    "FitMoG",
    "FitFunctionMoG",
    "cmog",
]
SUBMODULES = {
    "base": ("MultiMinBase",),
    "util": ("Util", "Stats", "MultiMinBase", "ROOTDIR"),
    "mog": ("MixtureOfGaussians", "Stats", "Util", "MultiPlot"),
    "fitting": ("FitMoG", "FitFunctionMoG", "MixtureOfGaussians", "MultiPlot"),
    "plotting": ("MultiPlot", "multimin_watermark"),
    "cmog": ("has_c_lib", "nmd_c", "tnmd_c", "mog_c", "tmog_c"),
    "version": ("__version__",),
}


def run(code: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_every_public_name_of_multimin_is_public_here():
    assert set(MULTIMIN_ALL) <= set(mogfit.__all__)


def test_every_listed_name_is_there_and_is_shown():
    for name in mogfit.__all__:
        assert getattr(mogfit, name) is not None, name
        assert name in dir(mogfit), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mogfit.nothing  # noqa: B018


def test_the_facts_are_our_own():
    assert mogfit.__author__ == "The mogfit developers"
    assert mogfit.__license__ == "BSD-3-Clause"
    assert os.path.isfile(os.path.join(mogfit.ROOTDIR, "mixture.py"))


@pytest.mark.parametrize("module", SUBMODULES)
def test_submodules_have_the_names_that_scripts_import_from_them(module):
    found = importlib.import_module(f"mogfit.{module}")
    assert isinstance(getattr(mogfit, module), ModuleType)
    for name in SUBMODULES[module]:
        assert hasattr(found, name), name
        if hasattr(mogfit, name):
            assert getattr(found, name) == getattr(mogfit, name)


def test_the_facts_agree_with_the_metadata():
    try:
        known = metadata("mogfit")
    except PackageNotFoundError:
        pytest.skip("mogfit runs from its sources: nothing is installed that has metadata")
    assert mogfit.__description__ == known["Summary"]
    assert mogfit.__license__ == (known["License-Expression"] or known["License"])
    assert mogfit.__author__ == known["Author"]


def test_the_import_is_silent_and_loads_nothing_that_is_slow():
    code = (
        "import sys, mogfit; slow = ('scipy', 'matplotlib', 'pandas', 'tqdm'); "
        "print([name for name in sys.modules if name.partition('.')[0] in slow])"
    )
    assert run(code, MOGFIT_VERBOSE="") == "[]\n"


def test_the_modules_of_scripts_load_nothing_that_is_slow_before_it_is_used():
    code = (
        "import sys; from mogfit import base, util, mog, fitting, plotting, cmog, version; "
        "slow = ('scipy', 'matplotlib', 'pandas', 'tqdm'); "
        "print([name for name in sys.modules if name.partition('.')[0] in slow])"
    )
    assert run(code) == "[]\n"


@pytest.mark.parametrize("module", ["mog", "fitting"])
def test_names_that_come_late_are_listed_and_others_are_refused(module):
    found = importlib.import_module(f"mogfit.{module}")
    assert set(found.__all__) <= set(dir(found))
    with pytest.raises(AttributeError, match=rf"'mogfit\.{module}' has no attribute 'nothing'"):
        found.nothing  # noqa: B018


def test_submodules_are_attributes_after_a_bare_import():
    names = ("base", "util", "mog", "fitting", "plotting", "cmog", "version")
    code = f"import mogfit; print(all(getattr(mogfit, n).__name__ for n in {names}), end='')"
    assert run(code) == "True"
    assert set(names) <= set(dir(mogfit))


def test_everything_can_be_imported_at_once():
    code = "from mogfit import *; print(MultiPlot.__name__, FitFunctionMoG.__name__, cmog.__name__)"
    assert run(code) == "MultiPlot FitFunctionMoG mogfit.cmog\n"


def test_a_welcome_comes_when_it_is_asked_for(capsys):
    mogfit.welcome()
    assert capsys.readouterr().out.startswith(f"mogfit {mogfit.__version__}: ")
    assert run("import mogfit", MOGFIT_VERBOSE="1").startswith("mogfit ")
    assert mogfit.verbose is False
    assert mogfit.show_watermark is False
    assert run("import mogfit; print(mogfit.show_watermark)", MOGFIT_WATERMARK="yes") == "True\n"
