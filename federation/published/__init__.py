"""What sites publish about the use of their pages, read from files."""
