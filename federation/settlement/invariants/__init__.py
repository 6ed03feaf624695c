"""What must be true of a server's books, runs and usage, whatever happened (docs/invariants.md)."""
