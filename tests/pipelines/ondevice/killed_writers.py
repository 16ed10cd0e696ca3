"""Kill writers of a bundle at every step they take on the disk: python killed_writers.py FOLDER RUN_ID.

FOLDER/start holds complete bundles. For n = 1, 2, ... a process writes RUN_ID into a copy, FOLDER/n, and is
killed (SIGKILL) just before its n-th look at or change of that copy. The first that isn't killed is the last.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

from reference.bundles import head, record

from pipelines.export.bundle_writing import write_bundle


def main(folder: Path, run_id: str) -> None:
    for n in count(1):
        copy = folder / str(n)
        shutil.copytree(folder / "start", copy, symlinks=True)
        child = os.fork()
        if child == 0:
            write_and_die(copy, run_id, n)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return
        if not os.WIFSIGNALED(status):
            sys.exit(f"writer {n} failed")


def write_and_die(copy: Path, run_id: str, n: int) -> None:
    steps = count(1)

    def hook(event: str, arguments: tuple) -> None:
        if event.startswith(("open", "os.", "shutil.")) and str(copy) in repr(arguments) and next(steps) == n:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    write_bundle(copy, head(run_id), [(record(), b"new" * 50_000)], {"words.txt": b"new"})
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
