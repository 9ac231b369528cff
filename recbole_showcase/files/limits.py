"""Limits that are named where nothing heavy may be imported."""

PIXEL_LIMIT = 80_000_000  # of a photo; Pillow warns of anything above 89 million
