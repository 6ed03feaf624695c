"""A node's part of a run: what comes in is shared out among its members, and paid to them."""
