"""The console: pages of a hub or a node for people, each a client of this server's own GraphQL."""
