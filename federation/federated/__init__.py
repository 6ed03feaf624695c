"""One question to all nodes, answered as if they were one; see README.md."""
