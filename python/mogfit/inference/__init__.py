"""Fitting: the likelihood of the data, starts, and the ways down from them."""
