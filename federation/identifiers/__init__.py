"""Standard identifiers of works and rightholders: how each is spelled and checked; pure."""
