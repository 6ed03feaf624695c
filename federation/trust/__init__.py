"""Who belongs to the federation, and the keys of this server itself."""
