"""`python -m buildtrace` is the command `buildtrace`."""

import sys

from buildtrace.cli import main

if __name__ == "__main__":
    sys.exit(main())
