"""Configuration: text → Config → Snapshot. Pure."""
