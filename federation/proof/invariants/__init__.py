"""What must hold of every settled run and of the books (docs/invariants.md)."""
