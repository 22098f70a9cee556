"""Bytes to nouns and back, for every revision we speak. No I/O."""
