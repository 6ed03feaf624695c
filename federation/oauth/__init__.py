"""OAuth 2 and OpenID Federation: tokens for clients, and what a server says of itself."""
