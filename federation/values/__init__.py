"""Small facts that every room may use: a month, a party's code, an account, work that waits."""
