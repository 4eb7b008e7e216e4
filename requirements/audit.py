"""Ask for the known vulnerabilities of what the locks pin: `make audit`.

Exit code 1: an advisory was found. Where no service of advisories can be reached, one line says
that nothing was audited, and the exit code is 0: a machine without a way out is no fault.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

# The second one is asked only where the first cannot be reached.
SERVICES = ("osv", "pypi")
UNREACHED = ("ConnectionError", "ConnectTimeout", "ServiceConnectionError")


def ask(service: str, locks: list[str]) -> list[dict[str, Any]] | None:
    """Fetch what a service knows of each locked package; None if it cannot be reached.

    Raises:
        RuntimeError: pip-audit failed for another reason.
    """
    options = ["--disable-pip", "--progress-spinner", "off", "--format", "json"]
    words = [sys.executable, "-m", "pip_audit", *options, "--vulnerability-service", service]
    words += [word for lock in locks for word in ("--requirement", lock)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError as fault:
        if any(name in done.stderr for name in UNREACHED):
            return None
        raise RuntimeError(done.stderr) from fault
    # A mirror of the index without advisories answers, but knows none of the packages.
    return packages if any("vulns" in package for package in packages) else None


def main(locks: list[str]) -> int:
    """Print every advisory, and every package that could not be looked up."""
    for service in SERVICES:
        if (packages := ask(service, locks)) is not None:
            break
    else:
        print(f"audit: not audited: no advisories can be reached from here ({', '.join(SERVICES)})")
        return 0
    found = 0
    for package in packages:
        name = f"{package['name']} {package.get('version', '')}".strip()
        if "vulns" not in package:
            print(f"audit: {name}: not audited: {package['skip_reason']}")
        for advisory in package.get("vulns", []):
            found += 1
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            print(f"audit: {name}: {advisory['id']}, fixed in {fixed}")
    audited = sum("vulns" in package for package in packages)
    print(f"audit: {found} advisories for {audited} of {len(packages)} packages ({service})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
