"""Approved payments at the bank: which may go, their files, its word on each, deals in currency."""
