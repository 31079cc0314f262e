"""Tests of the ways to fit."""
