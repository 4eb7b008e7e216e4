"""Patients and networks drawn from worlds whose truth is known, without images or training."""
