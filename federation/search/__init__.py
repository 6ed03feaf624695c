"""One question about everything a server keeps: numbers, names, addresses and amounts."""
