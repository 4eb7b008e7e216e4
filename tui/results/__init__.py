"""Metrics and curves as they are shown."""
