"""python -m apps APP VERB"""

import sys

from pipelines.commands.app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
