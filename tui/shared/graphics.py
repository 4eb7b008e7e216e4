"""Pictures by the terminal's own protocol (Kitty, Sixel), where `cxr[graphics]` is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.css.query import NoMatches

from data_contracts.errors import UsageError
from tui.shared.picture import Picture

if TYPE_CHECKING:
    from tui.shared.colours import Image
    from tui.shared.readout import MapValues


def require_graphics() -> None:
    """Load the library, which asks the terminal what it can do before an app runs.

    Raises `UsageError` when it is not installed.
    """
    try:
        import textual_image.widget  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "--graphics needs a library that is not installed; pip install 'cxr[graphics]'"
        ) from error


class GraphicPicture(Container):
    """Shows an RGB image as `Picture` does, in the terminal's own pixels."""

    DEFAULT_CSS = """
    GraphicPicture { width: 1fr; height: 1fr; align: center middle; }
    GraphicPicture > * { width: auto; height: 100%; max-width: 100%; }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.image: Image | None = None

    def compose(self) -> ComposeResult:
        from textual_image.widget import Image as TerminalImage

        yield TerminalImage()

    def on_mount(self) -> None:
        self.show(self.image)

    def show(self, image: Image | None, values: MapValues | None = None) -> None:  # noqa: ARG002
        """Show another image, or none; only half blocks tell its `values`."""
        from PIL import Image as Pillow
        from textual_image.widget import Image as TerminalImage

        self.image = image
        try:
            shown = self.query_one(TerminalImage)
        except NoMatches:
            return
        shown.image = None if image is None else Pillow.fromarray(image)


def new_picture(*, graphics: bool) -> Picture | GraphicPicture:
    """A widget for pictures; half blocks unless `graphics`."""
    return GraphicPicture() if graphics else Picture()
