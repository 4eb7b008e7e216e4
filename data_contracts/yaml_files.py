"""Files of settings in YAML: refused where the last of two would win, or where they have no end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from data_contracts.errors import CxrError, UsageError

_MERGE = "tag:yaml.org,2002:merge"
#: Nodes of a file with every alias written out; more would be made of a few lines by design only.
_MOST_NODES = 10_000


class Refused(yaml.MarkedYAMLError):
    """YAML that is well formed and yet refused; `problem` says why, `problem_mark` where."""


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which refuses what is given twice and what grows without end."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._nodes = 0
        self._sizes: dict[str, int] = {}
        """Nodes below each anchor; an anchor is missing while its own node is being read."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count what aliases stand for, before anything is made of it."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        anchor, before = getattr(event, "anchor", None) or "", self._nodes
        alias = isinstance(event, yaml.AliasEvent) and anchor in self.anchors
        if alias and anchor not in self._sizes:
            problem = f"*{anchor} stands within the value that it names; write it out"
            raise Refused(problem=problem, problem_mark=event.start_mark)
        self._nodes += self._sizes[anchor] if alias else 1
        if self._nodes > _MOST_NODES:
            problem = f"more than {_MOST_NODES} values, counting those of aliases; use fewer"
            raise Refused(problem=problem, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        if anchor and not alias:
            self._sizes[anchor] = self._nodes - before
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """As it stands in the file: merge keys (`<<`) are resolved later."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            # A field may be written as its flag.
            name, line = key.value.replace("-", "_"), key.start_mark.line + 1
            if name in lines:
                problem = f"{key.value} is given a second time, after line {lines[name]}; keep one"
                raise Refused(problem=problem, problem_mark=key.start_mark)
            lines[name] = line
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """A scalar that only looks like a date or a number is a fault with a line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            kind = node.tag.rpartition(":")[2]
            problem = f"{node.value!r:.60} is no {kind}; put text in quotes"
            raise Refused(problem=problem, problem_mark=node.start_mark) from error


class TextLoader(Loader):
    """Reads every scalar as the text that it is: 1, No and 2180-03-10 stay as they stand there."""

    yaml_implicit_resolvers = {}  # noqa: RUF012


def load(
    path: Path, name: str, loader: type[Loader] = Loader, fault: type[CxrError] = UsageError
) -> Any:
    """What the file holds; raise `fault` that names it by `name`, and the line."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506
    except OSError as error:
        reason = (error.strerror or "input/output error").lower()
        raise fault(f"{name} cannot be read ({reason}); check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        if isinstance(error, Refused):
            raise fault(f"{name}{line}: {error.problem}") from error
        raise fault(f"{name}{line} is not YAML; write `field: value` lines") from error
