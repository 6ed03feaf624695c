"""The OAuth 2 server of hub and node: tokens for clients, on Authlib's core."""
