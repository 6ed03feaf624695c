"""The claim index: whose an address is and what rules it, by what every node tells the hub."""
