"""Whom a collective represents: publishers, authors, artists, estates, agencies."""
