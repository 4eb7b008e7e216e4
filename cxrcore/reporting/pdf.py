"""The report as PDF: its page, set by Typst, which needs no browser."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from data_contracts.store import translate_os_errors

_VOID = ("br", "img", "meta")
_LEFT_OUT = ("head", "title", "style")
_EMPHASIS = {"strong": "strong", "em": "emph"}
_PREAMBLE = """
#set document(title: TITLE, date: none)
#set page(paper: "a4", margin: (x: 17mm, y: 18mm), numbering: "1 / 1")
#set text(font: "Libertinus Serif", size: 9.5pt, lang: "en")
#set par(leading: 0.55em, spacing: 0.9em)
#set heading(outlined: true)
#show heading.where(level: 2): it => block(above: 1.6em, below: 0.8em, breakable: false)[
  #it #v(-0.7em) #line(length: 100%, stroke: 0.5pt + luma(180))
]
#show link: set text(fill: rgb("#00507d"))
#set table(stroke: (x: none, y: 0.4pt + luma(220)), inset: (x: 3pt, y: 2.4pt), align: left + top)
#show table: set par(leading: 0.4em, justify: false)
#let caption(body) = block(sticky: true, text(size: 8.5pt, fill: luma(70), body))
"""


@dataclass
class Node:
    """An element of a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def find(self, *tags: str) -> Iterator[Node]:
        """The nearest elements inside with one of the tags."""
        for child in self.children:
            if isinstance(child, Node):
                yield from [child] if child.tag in tags else child.find(*tags)

    def is_of(self, name: str) -> bool:
        """Whether it has a class."""
        return name in self.attributes.get("class", "").split()


class _Tree(HTMLParser):
    """Reads a page whose elements are all closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if (node := self.open.pop()).tag != tag:
            raise ValueError(f"{node.tag} is not closed before {tag}")

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def pdf(page: str) -> bytes:
    """A page of the report's templates as a tagged PDF, the same bytes each time.

    Raises `StorageError` where the folder of temporary files takes none.
    """
    import typst

    text, pictures = markup(page)
    # The bindings take texts from memory, but pictures only from files.
    place = Path(tempfile.gettempdir())
    with translate_os_errors(place), tempfile.TemporaryDirectory(dir=place) as folder:
        for name, content in {**pictures, "main.typ": text.encode()}.items():
            Path(folder, name).write_bytes(content)
        return typst.compile(f"{folder}/main.typ", ignore_system_fonts=True)


def markup(page: str) -> tuple[str, dict[str, bytes]]:
    """The page in Typst's language, and its pictures by file name.

    What the page shows only on demand (closed `details`) is left to the page.
    """
    tree = _Tree()
    tree.feed(page)
    (title,), (body,) = (list(tree.open[0].find(tag)) for tag in ("title", "body"))
    files: dict[str, bytes] = {}
    text = _PREAMBLE.replace("TITLE", _string("".join(map(str, title.children))))
    return text + _inside(body, files), files


def _string(text: str) -> str:
    """A Typst string, white space as HTML has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    ends = [" " if text[i : i + 1].isspace() else "" for i in (0, len(text) - 1)]
    return f'"{ends[0]}{" ".join(escaped.split())}{ends[1] if escaped.strip() else ""}"'


def _inside(node: Node, files: dict[str, bytes]) -> str:
    return "".join(
        _set(child, files) if isinstance(child, Node) else f"#{_string(child)};"
        for child in node.children
        if isinstance(child, Node) or child.strip() or child == " "
    )


def _set(node: Node, files: dict[str, bytes]) -> str:
    """Typst markup of an element."""
    tag = node.tag
    if tag in _LEFT_OUT or (tag == "details" and "open" not in node.attributes):
        return ""
    if tag in _SPECIAL:
        return _SPECIAL[tag](node, files)
    inside = _inside(node, files)
    if tag in ("h1", "h2", "h3"):
        label = node.attributes.get("id", "").removesuffix("-title")
        return f"#heading(level: {tag[1]})[{inside}]" + (f"<{label}>" if label else "") + "\n"
    if tag == "a":
        return f"#link(<{node.attributes['href'].removeprefix('#')}>)[{inside}];"
    if tag in _EMPHASIS:
        return f"#{_EMPHASIS[tag]}[{inside}];"
    return _block(node, inside)


def _block(node: Node, inside: str) -> str:
    if node.tag in ("figcaption", "summary"):
        return f"#caption[{inside}]\n"
    if node.tag == "figure" and not node.is_of("table"):
        return f"#block(breakable: false)[{inside}]\n"
    if node.is_of("small"):
        inside = f"#text(size: 0.92em, fill: luma(70))[{inside}]"
    if node.is_of("banner") or node.is_of("answer"):
        colour = 'rgb("#b45309")' if node.is_of("banner") else 'rgb("#0072b2")'
        return f"#block(width: 100%, inset: 7pt, stroke: (left: 2.5pt + {colour}))[{inside}]\n"
    return f"#par[{inside}]\n" if node.tag == "p" else inside


def _picture(node: Node, files: dict[str, bytes]) -> str:
    """An image at its size in CSS pixels, or the width of the page."""
    name = f"picture-{len(files)}.png"
    files[name] = base64.b64decode(node.attributes["src"].partition(",")[2])
    width = int(node.attributes["width"]) * 0.75
    return (
        f"#layout(size => image({_string(name)}, alt: {_string(node.attributes['alt'])}, "
        f"width: calc.min({width}pt, size.width)))\n"
    )


def _code(node: Node, _: dict[str, bytes]) -> str:
    return f"#raw({_string(''.join(map(str, node.children)))});"


def _list(node: Node, files: dict[str, bytes]) -> str:
    if node.tag == "dl":
        terms, texts = (list(node.find(tag)) for tag in ("dt", "dd"))
        items = ", ".join(
            f"terms.item([{_inside(term, files)}], [{_inside(text, files)}])"
            for term, text in zip(terms, texts, strict=True)
        )
        return f"#terms({items})\n"
    kind = "list" if node.tag == "ul" else "enum"
    return f"#{kind}({', '.join(f'[{_inside(item, files)}]' for item in node.find('li'))})\n"


def _table(node: Node, files: dict[str, bytes]) -> str:
    rows = {part: list(of.find("tr")) for part in ("thead", "tbody") for of in node.find(part)}
    cells = [cell for row in rows["thead"][:1] for cell in row.find("th")]
    columns = sum(int(cell.attributes.get("colspan", 1)) for cell in cells)
    head, body = (
        ", ".join(_cell(cell, files) for row in rows[part] for cell in row.find("td", "th"))
        for part in ("thead", "tbody")
    )
    size = "6.6pt" if node.is_of("dense") else "8pt"
    return (
        f"#text(size: {size})[#table(columns: {columns}, table.header({head}), "
        f"table.hline(stroke: 0.7pt), {body})]\n"
    )


def _cell(cell: Node, files: dict[str, bytes]) -> str:
    inside = _inside(cell, files)
    if cell.tag == "th":
        inside = f"#strong[{inside}]"
    align = "right" if cell.is_of("n") else "left"
    span = cell.attributes.get("colspan", "1")
    return f"table.cell(colspan: {span}, align: {align})[{inside}]"


_SPECIAL: dict[str, Callable[[Node, dict[str, bytes]], str]] = {
    "br": lambda _node, _files: "#linebreak();",
    "nav": lambda _node, _files: "#outline(title: none, depth: 2)\n",
    "code": _code, "img": _picture, "table": _table, **dict.fromkeys(("ul", "ol", "dl"), _list),
}  # fmt: skip
