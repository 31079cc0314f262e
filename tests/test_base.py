"""`MultiMinBase` and the console: what the classes share, and who may print."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import mogfit
from mogfit import FitMoG, MixtureOfGaussians
from mogfit.base import MultiMinBase, summary_of
from mogfit.console import set_in_environment, tell, timed


class Pair(MultiMinBase):
    """Two things."""

    def __init__(self):
        self.first, self._second = [1], 2

    def swap(self, by=1):
        """Swap them,
        in place.

        Not before noon.
        """

    def _hidden(self):
        """Not shown."""


def test_copies_share_nothing():
    pair = Pair()
    twin = pair.copy()
    twin.first.append(2)
    assert pair.first == [1]


def test_texts_show_public_attributes_and_everything():
    assert str(Pair()) == "{'first': [1]}"
    assert repr(Pair()) == "Pair({'first': [1], '_second': 2})"
    assert str(MultiMinBase()) == "{}"


def test_describe_lists_public_methods_with_their_summaries(capsys):
    Pair.describe()
    text = capsys.readouterr().out
    assert text.splitlines()[1:3] == ["Available methods for this object/class", "=" * 34]
    assert "  swap()\n    Swap them, in place.\n" in text
    assert "noon" not in text
    assert "_hidden" not in text


@pytest.mark.parametrize("kind", [MixtureOfGaussians, FitMoG])
def test_every_public_method_of_the_faces_has_a_line_in_describe(kind, capsys):
    assert issubclass(kind, MultiMinBase)
    kind.describe()
    text = capsys.readouterr().out
    for name in dir(kind):
        if not name.startswith("_") and callable(getattr(kind, name)):
            summary = summary_of(getattr(kind, name))
            assert len(summary) > 10, name
            assert f"  {name}()\n    {summary}" in text


def test_nothing_is_printed_by_default(capsys):
    mog = MixtureOfGaussians(mus=[0.0, 3.0], Sigmas=[1.0, 1.0])
    F = FitMoG(mog.rvs(200, rng=1), ngauss=2)
    F.fit_data(random_state=1)
    F.quality_of_fit(random_state=1)
    mog.drop(0)
    assert capsys.readouterr() == ("", "")


def test_verbose_brings_the_reports_back(capsys, monkeypatch):
    monkeypatch.setattr(mogfit, "verbose", True, raising=False)
    mog = MixtureOfGaussians(mus=[0.0, 3.0], Sigmas=[1.0, 1.0])
    points = mog.rvs(200, rng=1)
    drawn = capsys.readouterr().out
    assert drawn.startswith("MixtureOfGaussians.rvs executed in ")
    F = FitMoG(points, ngauss=2, domain=[[-100, 100]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        "Loading a FitMoG object.",
        "Number of gaussians: 2",
        "Number of variables: 1",
        "Number of dimensions: 2",
        "Number of samples: 200",
        "Domain: [(-100.0, 100.0)]",
    ]
    assert lines[6] == f"Log-likelihood per point (-log L/N): {F.norm_log_l()}"
    F.fit_data(random_state=1)
    assert capsys.readouterr().out.startswith("FitMoG.fit_data executed in ")
    FitMoG(nvars=1)
    assert "0 (No data provided)" in capsys.readouterr().out
    mog.drop(-1)
    assert "Dropped gaussian 1" in capsys.readouterr().out


def test_a_timed_method_keeps_its_name_and_documentation(capsys, monkeypatch):
    class Doubler:
        @timed
        def double(self, x: int) -> int:
            """Twice."""
            return 2 * x

    double = Doubler.double
    assert (Doubler().double(2), double.__name__, double.__doc__) == (4, "double", "Twice.")
    monkeypatch.setattr(mogfit, "verbose", True)
    Doubler().double(2)
    tell("a", "b")
    shown = capsys.readouterr().out
    assert shown.startswith("Doubler.double executed in")
    assert shown.endswith("a\nb\n")


@pytest.mark.parametrize(
    ("text", "answer"), [("1", True), (" Yes ", True), ("on", True), ("0", False), ("", False)]
)
def test_the_environment_says_yes_in_a_few_words(monkeypatch, text, answer):
    monkeypatch.setenv("MOGFIT_ANSWER", text)
    assert set_in_environment("MOGFIT_ANSWER") is answer
    monkeypatch.delenv("MOGFIT_ANSWER")
    assert set_in_environment("MOGFIT_ANSWER") is False


def test_verbose_can_come_from_the_environment():
    script = "import mogfit; mogfit.MixtureOfGaussians(mus=[0.], Sigmas=[1.]).rvs(2, rng=1)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**__import__("os").environ, "MOGFIT_VERBOSE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rvs executed in" in done.stdout


def test_quality_prints_when_asked(capsys):
    mog = MixtureOfGaussians(mus=[0.0], Sigmas=[1.0])
    F = FitMoG(mog.rvs(100, rng=1))
    F.fit_data()
    F.quality_of_fit(verbose=True, random_state=np.random.default_rng(1))
    assert "KS distance" in capsys.readouterr().out
