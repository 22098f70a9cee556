"""What is kept: the ledger, its index, and the database."""
