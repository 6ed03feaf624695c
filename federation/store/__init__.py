"""Rows of every server: engine, column types, outbox, inbox, idempotency; no domain words."""
