"""The commands of settlement staff, over a server's HTTP: a month, and the bank's word."""
