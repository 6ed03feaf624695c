"""How a server's configuration is read, shown, begun and described; what it is says `config`."""
