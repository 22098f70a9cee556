"""Is this still what was approved, and is the record still what was written? Pure."""
