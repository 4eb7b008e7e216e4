"""The names of networks, known without loading torch."""

from __future__ import annotations

import difflib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

#: How torchvision's files register a classification network.
_REGISTERED = re.compile(r"^@register_model\(\)\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)


@cache
def torchvision_names() -> tuple[str, ...]:
    """Every classification network of the installed torchvision; none where there is none."""
    spec = find_spec("torchvision")
    folders = (spec and spec.submodule_search_locations) or []
    files = [path for folder in folders for path in (Path(folder) / "models").glob("*.py")]
    texts = (path.read_text(encoding="utf-8") for path in files)
    return tuple(sorted(name for text in texts for name in _REGISTERED.findall(text)))


def fault_of_name(architecture: str) -> str:
    """Why there is no such network; empty if there is, or may be: `library/name` is not loaded."""
    library, _, name = architecture.rpartition("/")
    if library not in ("", "torchvision"):
        files = (Path(__file__).parent / "networks").glob("[!_]*.py")
        known = sorted(path.stem for path in files)
        return "" if library in known else f"no such library; there are {', '.join(known)}"
    names = torchvision_names()
    if not names or name in names:
        return ""
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "choose for example densenet121"
    return f"no torchvision network of that name; {hint}"
