"""Write the bill of materials of the image's Python packages: `make sbom`.

`cyclonedx-py` describes everything that is installed; what the image does not hold is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from requirements.pins import pins

IMAGE = ("build", "lock", "s3")


def keep(bill: dict[str, Any], wanted: dict[str, str]) -> dict[str, Any]:
    """Leave of a CycloneDX bill the packages wanted, by normalised name and version.

    Raises:
        LookupError: A package wanted is not in the bill in that version; names them all.
    """
    kept = [c for c in bill["components"] if canonicalize_name(c["name"]) in wanted]
    there: dict[str, str] = {canonicalize_name(c["name"]): c["version"] for c in kept}
    if missing := [f"{n}=={v}" for n, v in sorted(wanted.items()) if there.get(n) != v]:
        raise LookupError(", ".join(missing))
    refs = {c["bom-ref"] for c in [*kept, bill["metadata"]["component"]]}
    edges = [
        node | {"dependsOn": [ref for ref in node.get("dependsOn", []) if ref in refs]}
        for node in bill["dependencies"]
        if node["ref"] in refs
    ]
    return bill | {"components": kept, "dependencies": edges}


def main(python: str, target: str) -> int:
    """Describe what is installed for `python`, keep the image's part, validate and write it."""
    # These live in the tools' environment, which the type checker does not see.
    from cyclonedx.schema import SchemaVersion  # type: ignore[import-not-found]
    from cyclonedx.validation.json import (  # type: ignore[import-not-found]
        JsonStrictValidator,
    )

    words = [sys.executable, "-m", "cyclonedx_py", "environment", python, "--output-reproducible"]
    words += ["--pyproject", "pyproject.toml", "--spec-version", "1.6"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    try:
        bill = keep(json.loads(done.stdout), pins(*IMAGE))
    except LookupError as missing:
        print(f"sbom: not installed as locked: {missing}; `make install` first", file=sys.stderr)
        return 3
    text = json.dumps(bill, indent=2, sort_keys=True) + "\n"
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"sbom: not valid CycloneDX 1.6: {fault}", file=sys.stderr)
        return 3
    Path(target).write_text(text)
    print(f"sbom: {len(bill['components'])} packages, valid CycloneDX 1.6: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
