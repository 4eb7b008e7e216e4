"""The report's page as PDF."""

from __future__ import annotations

import base64
import errno
import html
import io
import re
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from cxrcore.reporting.pdf import markup, pdf
from data_contracts.errors import StorageError

ODD = '# $x$ <b> *not bold* "quoted" \\ back` [brackets] ≥ 0.05 – 95 % // /* @here ~'


def png() -> str:
    file = io.BytesIO()
    Image.new("L", (64, 32), 90).save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


PAGE = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A title</title>
<style>p {{ color: red }}</style></head><body>
<header><h1>A title</h1><p class="banner">{html.escape(ODD)}</p></header>
<section id="answer"><h2 id="answer-title">Answer</h2>
<p>One <em>two</em><br>three <code>a_b#c</code></p>
<figure class="table"><figcaption>Table 1.</figcaption><table class="dense">
<thead><tr><th>a</th><th class="n">b</th></tr></thead>
<tbody><tr><th colspan="2">{html.escape(ODD)}</th></tr>
<tr><td>x</td><td class="n">0.5</td></tr></tbody>
</table></figure>
<figure><img src="data:image/png;base64,{png()}" width="9000" height="32" alt="A picture">
</figure></section>
<dl class="facts"><div><dt>Date</dt><dd>today</dd></div></dl>
<nav><ol><li><a href="#answer">Answer</a></li></ol></nav>
<ul><li>See <a href="#answer">the answer</a>.</li></ul>
<details open><summary>Open</summary><p>shown</p></details>
<details><summary>Closed</summary><p>left out</p></details></body></html>"""


def test_a_page_becomes_a_tagged_pdf_the_same_each_time() -> None:
    made = pdf(PAGE)
    assert made.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in made
    assert made == pdf(PAGE)


def test_every_text_is_kept_and_none_is_markup() -> None:
    text, pictures = markup(PAGE)
    assert text.count(ODD.replace("\\", "\\\\").replace('"', '\\"')) == 2
    for words in ("One ", "two", "three ", "Table 1.", "0.5", "today", "the answer", "shown"):
        assert f'"{words}"' in text
    assert "left out" not in text
    assert "Closed" not in text
    assert "red" not in re.sub(r'".*?"', "", text)
    assert 'alt: "A picture"' in text
    assert list(pictures) == ["picture-0.png"]


def test_a_full_folder_of_temporary_files_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=re.escape(f"no space left to write {tmp_path};")):
        pdf(PAGE)


@pytest.mark.parametrize("tag", ["p", "td", "h2", "li"])
def test_no_text_runs_as_code(tag: str) -> None:
    inner = f"<{tag}>{html.escape(ODD)} #read('main.typ')</{tag}>"
    inner = {
        "td": f"<table><thead><tr><th>a</th></tr></thead><tbody><tr>{inner}</tr></tbody></table>",
        "li": f"<ul>{inner}</ul>",
    }.get(tag, inner)
    assert pdf(f"<html><head><title>{html.escape(ODD)}</title></head><body>{inner}</body></html>")
