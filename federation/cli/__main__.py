"""`python -m federation.cli`: the command, where its script is not on the path."""

from federation.cli.main import main

main()
