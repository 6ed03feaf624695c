"""The works of a collective's repertoire: titles, creators, identifiers, addresses, history."""
