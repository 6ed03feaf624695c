"""A federation to practise on: hub and nodes on this machine, whose days are moved by hand."""
