"""The upstream hop: connections, processes, both eras, what servers offer and when it changes."""
