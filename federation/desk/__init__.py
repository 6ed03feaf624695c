"""The shell of settlement staff: a month and its bank files over HTTP. Knows no domain."""
