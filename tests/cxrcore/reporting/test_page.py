"""The report in a real browser: on a desk, on a phone, by keyboard, on paper."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from planted_maps import build

from jobs._execute import execute
from jobs._registry import find_jobs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="needs Debian's chromium"
)  # fmt: skip

#: Millimetres of A4 between the margins, in CSS pixels.
PAPER = {"width": 680, "height": 1001}
#: What reaches beyond the right edge of the page and does not scroll in a box of its own.
TOO_WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll'))
    .map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = build(tmp_path_factory.mktemp("report"), n=200, followed=True, synthetic=True,
                      models=("main", "permuted-labels"))  # fmt: skip
    spec = find_jobs()["aggregate"]
    draws = {"replicates": 100, "surrogates": 99, "permutations": 99}
    assert execute(spec, spec.config(workspace=workspace, debug=True, **draws)) == 0
    return workspace / "report" / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


def opened(browser: Browser, report: Path, width: int, media: str = "screen") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.emulate_media(media=media)  # type: ignore[arg-type]
    page.on("console", lambda message: pytest.fail(message.text))
    page.goto(report.as_uri())
    return page


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_never_scrolls_sideways_and_no_caption_is_cut(
    browser: Browser, report: Path, width: int
) -> None:
    page = opened(browser, report, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(TOO_WIDE) == []
    assert page.locator("figcaption").count() > 20


def test_figures_on_a_phone_are_as_large_as_on_a_desk(browser: Browser, report: Path) -> None:
    sizes = "() => [...document.images].map(i => [i.clientWidth, Number(i.width)])"
    shown = opened(browser, report, 390).evaluate(sizes)
    wide = [(seen, own) for seen, own in shown if own > 390]
    assert wide
    assert all(seen == own for seen, own in wide)


def test_what_scrolls_is_named_and_moves_by_keyboard(browser: Browser, report: Path) -> None:
    page = opened(browser, report, 390)
    boxes = page.locator(".scroll:visible")
    names = boxes.evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
    assert all(names)
    assert len(set(names)) == len(names)
    ladder = page.locator(".scroll", has=page.locator("img")).first
    ladder.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_every_figure_has_a_text_of_its_own(browser: Browser, report: Path) -> None:
    texts = opened(browser, report, 1280).evaluate("() => [...document.images].map(i => i.alt)")
    assert all(texts)
    assert len(set(texts)) == len(texts) > 10


def test_the_contents_lead_to_the_sections(browser: Browser, report: Path) -> None:
    page = opened(browser, report, 1280)
    links = page.locator("nav a")
    links.last.focus()
    page.keyboard.press("Enter")
    place = page.locator(f"section{links.last.get_attribute('href')}")
    assert place.bounding_box()["y"] < 900  # type: ignore[index]


def test_the_answer_is_on_the_first_screen(browser: Browser, report: Path) -> None:
    page = opened(browser, report, 1280)
    for part in (".answer", "#answer table"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900
    figure = page.locator("#answer img").bounding_box()
    assert figure is not None
    assert figure["y"] < 800


def test_on_paper_nothing_is_cut(browser: Browser, report: Path) -> None:
    page = opened(browser, report, PAPER["width"], "print")
    assert page.evaluate(TOO_WIDE.replace(" && !e.closest('.scroll')", "")) == []
    heights = page.locator("figure:not(.table):visible").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert max(heights) < PAPER["height"]
    assert not page.locator("nav, details:not([open])").locator("visible=true").count()
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) > 5


def test_the_page_can_be_sent_by_mail(report: Path) -> None:
    assert report.stat().st_size < 15e6
