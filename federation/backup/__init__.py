"""A server's data in one file, and a server again out of it."""
