"""Pictures of every page of the dashboard on a workspace, for the documentation.

    python demo/screenshots.py WORKSPACE PREFIX

Writes docs/images/PREFIX-<page>.png, by a headless `chromium`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tui.app import Dashboard
from tui.shared import status_header

IMAGES = Path(__file__).parent.parent / "docs" / "images"
COLUMNS, LINES = 120, 36
#: The keys that lead to each picture, from the first page on.
PICTURES = {
    "overview": "1",
    "jobs": "2 space",
    "curves": "2 space slash j o b colon t r a i n space m a i n enter v",
    "launch": "2 n ctrl+o g down down down enter",
    "metrics": "3",
    "compare": "3 c",
    "heatmaps": "4",
    "two-maps": "4 d",
    "all-tasks": "4 a",
    "zoom": "4 z",
    "verdicts": "7",
    "ladder": "7 right right down enter",
    "cohort": "5",
    "contact-sheet": "5 c",
    "artifact": "6 down down down down down right right",
}


async def draw(workspace: Path, keys: str, svg: Path) -> None:
    """Press `keys` and keep what is then seen."""
    app = Dashboard(workspace)
    async with app.run_test(size=(COLUMNS, LINES)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.05)
        for key in keys.split():
            await pilot.press(key)
            await pilot.pause(0.3)
            await app.workers.wait_for_complete()
            await pilot.pause()
        app.save_screenshot(str(svg))


def to_png(svg: Path, png: Path) -> None:
    """Render by chromium; maps keep all their colours, what else there is needs few."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={profile}", f"--screenshot={png.absolute()}",
             f"--window-size={int(COLUMNS * 12.2) + 18},{int(LINES * 24.4) + 51}", svg],
            check=True, capture_output=True,
        )  # fmt: skip
    image = Image.open(png).convert("RGB")
    if not any(name in png.stem for name in ("map", "tasks", "zoom", "sheet")):
        image = image.quantize(200, dither=Image.Dither.NONE)
    image.save(png, optimize=True)


def main() -> None:
    workspace, prefix = Path(sys.argv[1]), sys.argv[2]
    os.environ["COLORTERM"] = "truecolor"
    # A picture does not show on which machine and where it was taken.
    status_header.place_of = lambda path, room: path.name[:room]
    for name, keys in PICTURES.items():
        with tempfile.TemporaryDirectory() as folder:
            svg = Path(folder) / "picture.svg"
            asyncio.run(draw(workspace, keys, svg))
            to_png(svg, IMAGES / f"{prefix}-{name}.png")


if __name__ == "__main__":
    main()
