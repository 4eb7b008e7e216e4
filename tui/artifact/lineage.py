"""What an artifact was made from, and what was made from it, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from data_contracts.errors import ArtifactError, Interrupted
from data_contracts.header import Header, Input
from data_contracts.lineage import InputStatus, input_status
from tui.shared.pipeline import SIGNS
from tui.shared.sanitize import sanitize
from tui.shared.toned import Tone
from tui.workspace.snapshot import Artifact

#: Branches that are unfolded at first; a summary of very many models has more.
_UNFOLDED = 100
#: Lines of one branch.
_LONGEST = 100


@dataclass(frozen=True)
class Relative:
    """An artifact in the tree; `way` is the direction of its own branch. A title has no place."""

    way: Literal["from", "into"]
    place: str
    sign: str
    tone: Tone
    text: str


#: Turn over the tabs of the page; the tree would scroll to the side.
TAB_KEYS = (
    Binding("left,h", "screen.turn(-1)", "Previous tab", show=False, id="tab.previous"),
    Binding("right,l", "screen.turn(1)", "Next tab", show=False, id="tab.next"),
)
_Shown = tuple[Artifact, Mapping[str, Artifact]]


class Lineage(Tree[Relative]):
    """Two branches: derived from, used by. Every artifact is unfolded where it first appears."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lineage--good", "lineage--bad", "lineage--warn", "lineage--dim", "lineage--live",
    }  # fmt: skip
    DEFAULT_CSS = """
    Lineage {
        background: transparent; scrollbar-size-vertical: 1; padding: 0 1;
        & > .tree--guides { color: $secondary; }
        .lineage--good { color: $text-success; }
        .lineage--bad { color: $text-error; }
        .lineage--warn { color: $text-warning; }
        .lineage--live { color: $text-primary; }
        .lineage--dim { color: $secondary; }
    }
    """
    ICON_NODE, ICON_NODE_EXPANDED = "+ ", ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="lineage.down"),
        Binding("k", "cursor_up", "Up", show=False, id="lineage.up"),
        Binding("space", "toggle_node", "Fold", show=False, id="lineage.fold"),
        *TAB_KEYS,
    ]

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id)
        self.show_root, self.guide_depth, self.auto_expand = False, 3, False
        self._wanted: _Shown | None = None
        self._drawn: _Shown | None = None
        self._artifacts: Mapping[str, Artifact] = {}
        self._children: dict[str, list[Artifact]] = {}

    def show(self, artifact: Artifact, artifacts: Mapping[str, Artifact]) -> None:
        """Show the tree of one of the artifacts of a workspace, once it is drawn."""
        self._wanted = artifact, artifacts

    def draw(self) -> None:
        """Draw what is to be shown, if it is seen and not drawn already."""
        if not self.display or self._wanted is None or self._wanted == self._drawn:
            return
        (artifact, artifacts), before = self._wanted, self._drawn
        line = self.cursor_line if before and before[0].place == artifact.place else 0
        self._drawn, self._artifacts, self._children = self._wanted, artifacts, {}
        for _, other in sorted(artifacts.items()):
            for item in other.header.inputs if other.header else ():
                if item.contract != "source":
                    self._children.setdefault(item.path, []).append(other)
        self.clear()
        seen: set[str] = set()
        branches = (
            Relative("from", artifact.place, "", "", "derived from"),
            Relative("into", artifact.place, "", "", "used by"),
        )
        for branch in branches:
            node = self.root.add(branch.text, branch, expand=True)
            if not self._grow(node, seen):
                node.add_leaf("", Relative(branch.way, "", "", "dim", "none"))
        self.cursor_line = line

    def forget(self) -> None:
        """Show nothing."""
        self._wanted = self._drawn = None
        self.clear()

    def _grow(self, node: TreeNode[Relative], seen: set[str]) -> bool:
        """Add what is below a node, and below that what is not `seen`. False if there is none."""
        assert node.data is not None
        relatives = list(self._relatives(node.data))
        for relative in relatives[:_LONGEST]:
            if not any(self._relatives(relative)):
                node.add_leaf(relative.place, relative)
                continue
            first = relative.place not in seen and len(seen) < _UNFOLDED
            child = node.add(relative.place, relative, expand=first)
            if first:
                seen.add(relative.place)
                self._grow(child, seen)
        if more := len(relatives[_LONGEST:]):
            node.add_leaf("", Relative(node.data.way, "", "", "dim", f"… and {more:,} more"))
        return bool(relatives)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Relative]) -> None:
        if not event.node.children and event.node.data is not None:
            self._grow(event.node, {node.place for node in _above(event.node)})

    def _relatives(self, of: Relative) -> Iterator[Relative]:
        if of.way == "into":
            for artifact in self._children.get(of.place, ()):
                sign, tone = SIGNS[artifact.state]
                yield Relative("into", artifact.place, sign, tone, artifact.state)
            return
        child = self._artifacts.get(of.place)
        for item in child.header.inputs if child and child.header else ():
            yield self._input(item)

    def _input(self, item: Input) -> Relative:
        state, _ = input_status(item, self._header_at)
        parent = self._artifacts.get(item.path)
        if state == "ok" and parent is not None and parent.state == "stale":
            return Relative("from", item.path, "!", "warn", f"itself stale: {parent.reason}")
        signs: Mapping[InputStatus, tuple[str, Tone, str]] = {
            "ok": ("✓", "good", "ok"),
            "stale": ("!", "warn", "stale: digest has changed"),
            "missing": ("○", "bad", "missing"),
            "damaged": ("✗", "bad", "damaged"),
            "unreadable": ("?", "bad", "temporarily unreadable"),
            "external": ("◇", "dim", "external"),
        }
        place = "" if state == "external" else item.path
        sign, tone, text = signs[state]
        return Relative("from", place, sign, tone, text if place else f"{item.path}  {text}")

    def _header_at(self, place: str) -> Header | None:
        artifact = self._artifacts.get(place)
        if artifact is not None and artifact.header is None:
            kind = ArtifactError if artifact.state == "damaged" else Interrupted
            raise kind(artifact.reason)
        return artifact.header if artifact else None

    def render_label(self, node: TreeNode[Relative], base_style: Style, style: Style) -> Text:
        data = node.data
        if data is None or not data.sign:
            return Text(data.text if data else "", style=style + Style(bold=bool(node.children)))
        tone = self.get_component_rich_style(f"lineage--{data.tone}", partial=True)
        fold = self.ICON_NODE if node.allow_expand and not node.is_expanded else ""
        name = f"{sanitize(data.place)}  " if data.place else ""
        return Text.assemble(
            (fold, base_style), (f"{data.sign} ", style + tone), (name, style),
            (sanitize(data.text), style + tone),
        )  # fmt: skip


def _above(node: TreeNode[Relative]) -> Iterator[Relative]:
    parent = node.parent
    while parent is not None:
        if parent.data is not None:
            yield parent.data
        parent = parent.parent
