"""A synthetic collection in MIMIC's own layout, with known markers planted in its radiographs."""
