"""Write docs/licences.md from the metadata of what is installed: `make licences`."""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from requirements.pins import pins

LAYERS = {
    "lock": "every environment, the image too",
    "s3": "the image, and the extra `s3`",
    "weights": "the demonstration, and the image where it is asked for",
    "cluster": "the extra `cluster`",
    "dev": "what checks the package; in no image",
}
# Whoever hands a copy on must hand on the source: of the whole, or of the package itself.
COPYLEFT = {
    "whole": r"\bA?GPL\b|GNU (Affero )?General Public",
    "itself": r"LGPL|Lesser General Public|\bMPL\b|Mozilla|\bEPL\b|Eclipse",
}
HEAD = """# Licences

Written by `make licences` from the metadata of the installed packages (Linux, x86-64), as each
states its licence. "Copyleft" says what must be handed on as source together with a copy: the
`whole` program, or the package `itself`; where several licences are named, the strictest counts.
What follows from it: [supply-chain.md](supply-chain.md).
"""


def stated_licence(found: Distribution) -> str:
    """Say the licence in the package's own words, in one line."""
    meta = found.metadata.json
    classifiers = meta.get("classifier", [])
    approved = [c.split(" :: ")[-1] for c in classifiers if re.search(r"OSI App|Public Dom", c)]
    field = str(meta.get("license", "")).strip()
    short = field if field != "UNKNOWN" and "\n" not in field else ""
    stated = str(meta.get("license_expression", "")) or "; ".join(approved) or short
    return stated.replace("LicenseRef-", "") or _recognised(found)


def _recognised(found: Distribution) -> str:
    """Tell a licence by its text, where the metadata names none."""
    for file in found.files or []:
        if ".dist-info/" in str(file) and re.match(r"LICEN[CS]E|COPYING", file.name):
            text = " ".join(file.read_text(encoding="utf-8").split())
            if "Permission is hereby granted, free of charge" in text:
                return "MIT (by its text)"
            return f"see {file.name}"
    return "not stated"


def copyleft(licence: str) -> str:
    """Say which source must be handed on with a copy: "whole", "itself" or nothing."""
    kinds = (kind for kind, names in COPYLEFT.items() if re.search(names, licence))
    return next(kinds, "")


def bundled(found: Distribution) -> list[str]:
    """Name the shared libraries of others that a wheel carries in its `.libs` folder."""
    files = [file.name for file in found.files or [] if file.parts[0].endswith(".libs")]
    return sorted({re.sub(r"[-.][0-9a-f]{8}(?=\.)", "", name) for name in files})


def page() -> str:
    """Write the whole page.

    Raises:
        PackageNotFoundError: Something that a lock pins for this platform is not installed.
    """
    lines = [HEAD]
    inside = []
    for layer, purpose in LAYERS.items():
        lines += [f"## `{layer}.txt`: {purpose}", ""]
        lines += ["| package | version | licence | copyleft |", "|---|---|---|---|"]
        for name in sorted(pins(layer)):
            found = distribution(name)
            licence = stated_licence(found)
            lines.append(f"| {name} | {found.version} | {licence} | {copyleft(licence)} |")
            if libraries := bundled(found):
                inside.append(f"| {name} | {', '.join(libraries)} |")
        lines.append("")
    lines += ["## Libraries of others inside the wheels", "", "| package | carries |", "|---|---|"]
    return "\n".join([*lines, *inside, ""])


def main() -> int:
    """Write the page, or say what is not installed."""
    try:
        text = page()
    except PackageNotFoundError as missing:
        print(f"licences: {missing.name} is not installed; `make install` first", file=sys.stderr)
        return 3
    Path("docs/licences.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
