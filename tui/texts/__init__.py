"""Numbers, names and states in words."""
