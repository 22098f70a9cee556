"""Knows everything, decides nothing: wiring, commands."""
