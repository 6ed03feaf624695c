"""`python -m federation.accesslogs`: the command `federation-site logs`."""

import sys

from federation.accesslogs.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
