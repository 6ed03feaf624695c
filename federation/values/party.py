"""The code of the hub; every other party is a collective with a code of its own."""

HUB = "HUB"
