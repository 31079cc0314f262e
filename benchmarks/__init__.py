"""Side-by-side benchmarks of mogfit, NumPy references and other libraries.

Run ``python -m benchmarks --help``. `benchmarks.numpy_reference` is also an oracle in the tests.
"""
