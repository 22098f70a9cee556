"""Nouns, failures and ports. Imports nothing of ours."""
