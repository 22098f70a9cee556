"""All I/O. Adapters implement ports, translate foreign failures at their own border, and are strangers to each other."""
