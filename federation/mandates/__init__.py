"""Who agreed to which use of what, in which capacity and on what ground: consent records."""
