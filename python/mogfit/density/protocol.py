"""What the rooms below the faces may ask of a mixture."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mogfit.errors import DtypeError

__all__ = ["Mixture", "mixture_of"]

Floats = NDArray[np.float64]


class Mixture(Protocol):
    """Parameters and density of a mixture of Gaussians, as `mogfit.MixtureOfGaussians` has them.

    Tables, exports and figures are written against this, so that they do not depend on the class.
    """

    names: tuple[str, ...] | None

    @property
    def ngauss(self) -> int: ...
    @property
    def nvars(self) -> int: ...
    @property
    def weights(self) -> Floats: ...
    @property
    def mus(self) -> Floats: ...
    @property
    def Sigmas(self) -> Floats: ...
    @property
    def sigmas(self) -> Floats: ...
    @property
    def rhos(self) -> Floats: ...
    @property
    def domain(self) -> list[tuple[float, float] | None] | None: ...
    @property
    def truncation(self) -> str: ...
    @property
    def log_masses(self) -> Floats: ...

    def pdf(self, X: Any, *, threads: int = 0) -> float | Floats: ...
    def logpdf(self, X: Any, *, threads: int = 0) -> float | Floats: ...
    def component_logpdf(self, X: Any, *, threads: int = 0) -> Floats: ...
    def rvs(self, Nsam: int = 1, *, rng: Any = None, threads: int = 0) -> Floats: ...


def mixture_of(mog: Any, argument: str = "mog") -> Mixture:
    """The mixture of a fit, or the mixture itself; `argument` is its name, for messages.

    Raises
    ------
    DtypeError
        If it is neither.
    """
    mixture = getattr(mog, "mog", mog)
    if not all(hasattr(mixture, name) for name in ("mus", "Sigmas", "rvs", "log_masses")):
        raise DtypeError(
            f"{argument}: {type(mog).__name__} seen; allowed: a mixture, or a fit of one"
        )
    found: Mixture = mixture
    return found
