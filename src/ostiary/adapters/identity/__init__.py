"""Credentials to callers."""
