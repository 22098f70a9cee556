"""What a rule can demand of an argument: shapes that are parsed and canonicalised, never guessed by a pattern. Pure."""
