"""The books of one server: accounts, entries, the hash chain, balances, exports."""
