"""The commands of settlement staff: they ask a server over HTTP and know no rule of its own."""
