"""A node: one national collective's server, composed from the domain packages."""
