"""The version, under the name of MultiMin's module of it."""

from mogfit.config import package_version

__all__ = ["version"]

version = __version__ = package_version()
