"""Look up known faults of the locked packages: python .ci/audit.py requirements.lock

pip-audit compares each name and version with the advisories of the package index. Exit codes: 0 for no known
fault, 1 for one or more, 3 if the advisories can't be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys

PIP_AUDIT = ".cache/audit/bin/pip-audit"
"""`make audit` installs it."""


def main(lock: str) -> int:
    """Audit a lock file, print what was found, and return the exit code."""
    command = [PIP_AUDIT, "--requirement", lock, "--require-hashes", "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"error: nothing was audited: {reason}", file=sys.stderr)
        return 3
    return report(packages)


def report(packages: list[dict]) -> int:
    """Print what pip-audit says of each package, and return the exit code."""
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        print("error: nothing was audited: no advisories can be reached from here", file=sys.stderr)
        return 3
    faults = [(package, fault) for package in audited for fault in package["vulns"]]
    for package, fault in faults:
        fixed = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}")
    for package in packages:
        if "skip_reason" in package:
            print(f"{package['name']}: not audited: {package['skip_reason']}")
    print(f"{len(audited)} of {len(packages)} packages audited, {len(faults)} known faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
