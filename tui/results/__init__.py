"""Metrics and curves as they are shown to people."""
