"""Which node can hold a work with an identifier: each node tells the hub in few bits."""
