"""What `make client` writes from the hub's committed schema; nothing here is edited."""
