"""Other libraries' names and arguments, thin over mogfit: `mogfit.compat.pypr`."""

from __future__ import annotations

from mogfit.lazy import lazy_names

__getattr__, __dir__ = lazy_names(__name__, {"pypr": None})
