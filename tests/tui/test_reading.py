"""What is read is shown where it is still wanted, and nowhere else."""

from __future__ import annotations

import time
from threading import Event

from textual.app import App
from textual.containers import Vertical
from textual.widgets import Static

from tui.shared.reading import Reading


class Pane(Vertical):
    def on_mount(self) -> None:
        self.ready = Event()
        self.reading = Reading(self, "pane", self.show)
        self.reading.want("it", lambda: str(self.ready.wait(10)))

    async def show(self, text: str) -> None:
        await self.mount(Static(text, id="it"))
        self.query_one("#it", Static).update(text)


async def test_what_is_read_is_not_shown_in_what_is_being_removed() -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        await app.mount(pane := Pane(), kept := Pane())
        for one in (pane, kept):
            one.ready.set()
        # The result waits in the queue when the removal begins, which comes after it.
        time.sleep(0.2)
        await pane.remove()
        await pilot.pause(0.1)
        assert kept.query("#it")
        assert not pane.query("#it")
