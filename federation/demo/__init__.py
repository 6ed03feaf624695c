"""`federation demo`: the whole story on one machine, every step over the APIs that users have."""
