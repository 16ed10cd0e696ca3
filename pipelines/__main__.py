"""python -m pipelines VERB: the verbs that need no app."""

import sys

from .commands.console import run_pipelines

if __name__ == "__main__":
    sys.exit(run_pipelines(sys.argv[1:]))
