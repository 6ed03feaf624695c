"""Documents laid out to be sent: PDF, the same bytes for the same document. Pure."""
