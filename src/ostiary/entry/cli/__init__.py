"""The commands. Each reads arguments, calls one verb, and says what happened."""
