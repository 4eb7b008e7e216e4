"""Reads the user's preferences from a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from data_contracts.errors import UsageError
from tui.shared.preferences import Preferences


def preferences_path() -> Path:
    """The path of the file: CXR_DASHBOARD, or `cxr/dashboard.yaml` in the XDG config folder.

    Raises `UsageError` where CXR_DASHBOARD names no file.
    """
    if named := os.environ.get("CXR_DASHBOARD"):
        if not Path(named).exists():
            raise UsageError(f"CXR_DASHBOARD: no such file: {named}; fix or unset it")
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "cxr" / "dashboard.yaml"


def read_preferences(path: Path, themes: Iterable[str]) -> Preferences:
    """The settings at `path`, or the defaults if there is no such file.

    Raises `UsageError` that names every unknown key with its nearest, and every clash of keys.
    """
    if not path.exists():
        return Preferences()
    from tui.keys import action_names, clashes

    content = _mapping(path)
    faults = [_unknown(k, ("theme", "keys")) for k in content if k not in ("theme", "keys")]
    theme, keys = content.get("theme", Preferences.theme), content.get("keys") or {}
    if theme not in (valid := tuple(themes)):
        faults.append(_unknown(theme, valid))
    if not isinstance(keys, dict):
        faults.append("keys: want `action: key` lines")
        keys = {}
    valid = tuple(action_names())
    faults += [_unknown(key, valid) for key in keys if key not in valid]
    faults += [fault for name, key in keys.items() if (fault := _key_fault(name, key))]
    keys = {str(k): str(v) for k, v in keys.items()}
    if faults := faults or clashes(keys):
        raise UsageError(f"{path}: {'; '.join(faults)}")
    return Preferences(theme, keys)


def _mapping(path: Path) -> dict[str, Any]:
    from data_contracts.yaml_files import load

    content = load(path, str(path)) or {}
    if not isinstance(content, dict):
        raise UsageError(f"{path} must contain `theme:` and `keys:`")
    return content


def _key_fault(name: object, value: object) -> str:
    """What is wrong with a key, or several with commas: text, or a digit as YAML reads it."""
    from tui.keys import is_key

    parts = [part.strip() for part in str(value).split(",")]
    if not isinstance(value, str | int) or not all(parts):
        return f"{name}: no key given"
    wrong = [part for part in parts if not is_key(part)]
    return f"{name}: {wrong[0]} is not a key; examples: f2, ctrl+q, slash, x" if wrong else ""


def _unknown(name: object, valid: tuple[str, ...]) -> str:
    near = get_close_matches(str(name), valid, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"valid: {', '.join(valid)}"
    return f"unknown {name!r}; {hint}"
