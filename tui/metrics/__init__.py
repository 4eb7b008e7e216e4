"""The page Metrics, and the curves of several models."""
