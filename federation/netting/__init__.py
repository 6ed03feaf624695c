"""A month's net: who remits what to whom, who leaves it, what two nodes then owe each other."""
