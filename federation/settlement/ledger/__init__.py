"""The journal: its hash chain, balances at any instant, exports, and checks on a live database."""
