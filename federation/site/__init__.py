"""One member's site: its file, its gate put together, and what it asks and tells its node."""
