"""Numbers, names and states as text."""
