"""The commands of staff: they ask a server over HTTP and know no rule of its own."""
