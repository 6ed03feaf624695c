"""What banks say: accounts, statements and their entries, imported once and held to balances."""
