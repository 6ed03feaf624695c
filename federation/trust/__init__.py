"""Keys, signatures, tokens, site policies, and who belongs to the federation."""
