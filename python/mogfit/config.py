"""What this installation is made of, and how many threads it uses."""

from __future__ import annotations

import sys

from mogfit.errors import InputError, scalar_message

__all__ = ["get_config", "get_num_threads", "package_version", "set_num_threads", "show_config"]


def package_version() -> str:
    """Version of mogfit, from its installation."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mogfit")
    except PackageNotFoundError:
        return "unknown (not installed)"


def get_config() -> dict[str, object]:
    """Version, core variant, threads, compiler and libraries of this installation.

    Returns
    -------
    dict
        Keys ``version``, ``variant``, ``available``, ``threads``, ``openmp``, ``compiler``,
        ``eigen``, ``numpy``, ``scipy``, ``python``, ``platform``.

    Examples
    --------
    >>> import mogfit
    >>> mogfit.get_config()["variant"] in ("v4", "v3", "v2", "portable")
    True
    """
    import platform
    from importlib.metadata import version

    from mogfit import _core

    return {
        "version": package_version(),
        "variant": _core.variant,
        "available": _core.available_variants(),
        "threads": _core.get_num_threads(),
        "openmp": _core.build_info["openmp"],
        "compiler": _core.build_info["compiler"],
        "eigen": _core.build_info["eigen"],
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def show_config() -> None:
    """Print `get_config` as a small table: what to paste into a report of a problem."""
    config = get_config()
    available = config["available"]
    assert isinstance(available, tuple)
    config["available"] = ", ".join(available)
    width = max(map(len, config))
    for key, value in config.items():
        sys.stdout.write(f"{key:<{width}}  {value}\n")


def get_num_threads() -> int:
    """Threads that calls use by default.

    As many as OpenMP allows (``OMP_NUM_THREADS``, the CPU affinity of the process), unless
    `set_num_threads` has been called; 1 in a forked child, and in a build without OpenMP.
    """
    from mogfit import _core

    return int(_core.get_num_threads())


def set_num_threads(n: int | None) -> None:
    """Set how many threads calls use by default; None goes back to what OpenMP allows.

    Results do not depend on it, to the last bit.

    Raises
    ------
    InputError
        If `n` is not a whole number, 1 or more.
    """
    from mogfit import _core

    if n is None:
        _core.set_num_threads(0)
        return
    whole = hasattr(n, "__index__") and not isinstance(n, bool)
    if not whole or not 1 <= int(n) <= _core.MAX_THREADS:
        allowed = f"a whole number from 1 to {_core.MAX_THREADS}, or None"
        raise InputError(scalar_message("n", n, allowed))
    _core.set_num_threads(int(n))
