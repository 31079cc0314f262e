"""What can be done with a mixture: each function takes one and returns its result as numbers."""
