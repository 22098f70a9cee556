"""What callers do over time: runs that go in circles, and people who are not themselves. Pure."""
