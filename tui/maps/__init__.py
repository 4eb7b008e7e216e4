"""Averaged maps, single images, and how they are drawn."""
