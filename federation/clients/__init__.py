"""Programs of labs, member sites and tools that ask a server with a credential of their own."""
