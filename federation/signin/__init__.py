"""The doors by which people sign in: pages of a browser, an outside provider, the shell's token."""
