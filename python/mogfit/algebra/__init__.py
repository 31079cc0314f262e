"""Algebra of mixtures: what is made of them, and what is measured on them."""
