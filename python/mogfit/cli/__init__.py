"""The command line: ``mogfit fit``, ``mogfit demo``, ``mogfit show-config``."""

from mogfit.cli.app import main

__all__ = ["main"]
