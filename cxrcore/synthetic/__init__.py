"""A synthetic collection in MIMIC's own layout, with known signs planted in its radiographs."""
