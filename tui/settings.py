"""The dashboard's own settings: theme and keys, from a file of the person who uses it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from data_contracts.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """What the file may hold."""

    theme: str = "cxr-dark"
    keys: dict[str, str] = field(default_factory=dict)
    """Keys by the name of what they do, such as `page.jobs: f2`; several with commas."""


def settings_path() -> Path:
    """Where the file lies: CXR_DASHBOARD, or `cxr/dashboard.yaml` in the XDG config folder."""
    if named := os.environ.get("CXR_DASHBOARD"):
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "cxr" / "dashboard.yaml"


def read_settings(path: Path, themes: Iterable[str], actions: Iterable[str]) -> Settings:
    """The settings at `path`, or the defaults if there is no such file.

    Raises `UsageError` that names every unknown key with its nearest.
    """
    if not path.exists():
        return Settings()
    content = _mapping(path)
    faults = [_unknown(k, ("theme", "keys")) for k in content if k not in ("theme", "keys")]
    theme, keys = content.get("theme", Settings.theme), content.get("keys") or {}
    if theme not in (known := tuple(themes)):
        faults.append(_unknown(theme, known))
    if not isinstance(keys, dict):
        faults.append("keys: want `action: key` lines")
        keys = {}
    known = tuple(actions)
    faults += [_unknown(key, known) for key in keys if key not in known]
    faults += [f"{name}: no key given" for name, key in keys.items() if not _is_key(key)]
    if faults:
        raise UsageError(f"{path}: {'; '.join(faults)}")
    return Settings(theme, {str(k): str(v) for k, v in keys.items()})


def _mapping(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as YAML; correct or remove it") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold `theme:` and `keys:`")
    return content


def _is_key(value: object) -> bool:
    """Whether it names a key, or several with commas: text, or a digit as YAML reads it."""
    return isinstance(value, str | int) and all(part.strip() for part in str(value).split(","))


def _unknown(name: object, known: tuple[str, ...]) -> str:
    near = get_close_matches(str(name), known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"unknown {name!r}; {hint}"
