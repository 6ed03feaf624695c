"""Members, claims and opt-outs of a collective, and the claim index of the federation."""
