"""The command `federation`: its sub-commands, and what they do on a server's own machine."""
