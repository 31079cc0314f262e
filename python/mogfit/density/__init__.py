"""Components of a mixture and their validation."""
