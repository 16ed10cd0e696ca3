"""The command `unrolled`, also as python -m unrolled."""

import sys

from .pipelines.commands.console import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    sys.exit(main())
