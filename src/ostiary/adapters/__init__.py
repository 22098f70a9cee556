"""All I/O. Adapters implement ports, translate foreign failures at their border, and are strangers to each other."""
