"""The member middleware: checks a crawler's licence token offline, counts what it served.

It runs inside a publisher's own application, without a database, and imports only token checking
and values. What it cannot know it refuses; whom it does not concern it never notices.
"""
