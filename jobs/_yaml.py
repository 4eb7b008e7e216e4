"""YAML in which no key of a mapping may stand twice, where the last would silently win."""

from __future__ import annotations

from typing import Any

import yaml

_MERGE = "tag:yaml.org,2002:merge"


class GivenTwice(yaml.MarkedYAMLError):
    """A key that stands twice; `problem` says which, `problem_mark` where."""


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which refuses what is given twice."""

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
                problem = f"{key.value} is given a second time, after line {lines[name]}"
                raise GivenTwice(problem=problem, problem_mark=key.start_mark)
            lines[name] = line
        return node
