"""``python -m mogfit``: the command line."""

import sys

from mogfit.cli import main

if __name__ == "__main__":
    sys.exit(main())
