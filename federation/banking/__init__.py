"""Bank accounts, statements as banks send them, and what each entry settles."""
