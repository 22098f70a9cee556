"""Guards that ask somebody else: what is sent to providers of screening, and how what they say is read."""
