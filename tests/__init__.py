"""Tests; a package, so that they can share oracles and strategies."""
