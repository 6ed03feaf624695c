"""The files that banks send and take: camt and pain, read and written. Pure."""
