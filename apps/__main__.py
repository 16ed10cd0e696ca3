"""python -m apps APP VERB"""

import sys

from pipelines.commands.console import run_apps

if __name__ == "__main__":
    sys.exit(run_apps(sys.argv[1:]))
