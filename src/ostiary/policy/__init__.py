"""May they? Decisions, limits and reachable addresses. Pure."""
