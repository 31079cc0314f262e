"""How many components, and of what shape: criteria, the fits they compare, and the choice."""
