"""The science as plain functions: sources, labels, pixels, models, metrics, attribution."""
