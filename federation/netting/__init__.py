"""Who leaves the net of a month, and what two nodes then owe each other directly."""
