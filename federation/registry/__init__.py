"""Members, claims and opt-outs of a collective."""
