"""Fits of a mixture to the values of a function: search, descent, modes and report."""
