"""The command `federation-site`: a publisher installs a gate, looks after it, and has nginx ask."""
