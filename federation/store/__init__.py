"""Where every server keeps its rows: engine, column types, outbox, inbox, idempotency. No domain words."""
