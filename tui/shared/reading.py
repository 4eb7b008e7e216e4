"""The one way from a file to the screen: read in a thread, show if it is still wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import isawaitable
from typing import Any, Generic, TypeVar

from textual.dom import DOMNode

from data_contracts.errors import CxrError
from tui.shared.messages import ErrorMet

_T = TypeVar("_T")


class Reading(Generic[_T]):
    """What a widget shows of the disk, or of a computation that takes time.

    `show` gets each result on the event loop, unless something else has been wanted since.
    `failed` gets a `CxrError`, which otherwise is reported under `name`. `in_turn`: nothing is read
    beside something else; of what is wanted meanwhile only the last is read, and all is shown.
    """

    def __init__(
        self,
        node: DOMNode,
        name: str,
        show: Callable[[_T], Any],
        failed: Callable[[CxrError], Any] | None = None,
        *,
        in_turn: bool = False,
    ) -> None:
        self._node, self._name, self._show, self._failed = node, name, show, failed
        self._wanted: object = None
        self._in_turn, self._is_reading = in_turn, False
        self._waiting: Callable[[], None] | None = None

    def want(self, key: object, read: Callable[[], _T], *, again: bool = False) -> bool:
        """Have `read` called in a thread, unless what `key` stands for was wanted last.

        `again`: then as well, such as for a file that grows. Returns whether it is called.
        """
        if key == self._wanted and not again:
            return False
        self._wanted = key
        run = partial(self._run, key, read)
        if self._in_turn and self._is_reading:
            self._waiting = run
        else:
            self._start(run)
        return True

    def do(self, act: Callable[[], _T]) -> None:
        """Have `act` called in a thread, whatever is asked for later."""
        self.want(self._name, act, again=True)

    def forget(self) -> None:
        """Show nothing that is being read; whatever is wanted next is read."""
        self._wanted = self._waiting = None

    def _start(self, run: Callable[[], None]) -> None:
        self._is_reading, self._waiting = True, None
        self._node.run_worker(
            run, self._name, group=self._name, description=self._name, exclusive=True, thread=True
        )

    def _run(self, key: object, read: Callable[[], _T]) -> None:
        try:
            result = read()
        except CxrError as error:
            if self._failed is None:
                self._node.post_message(ErrorMet(self._name, str(error)))
            self._node.call_later(self._finish, key, self._failed, error)
        else:
            self._node.call_later(self._finish, key, self._show, result)

    async def _finish(self, key: object, then: Callable[[Any], Any] | None, result: Any) -> None:
        # A node that is being removed takes no more children.
        is_here = self._node.is_attached and not self._node._pruning
        if then is not None and key == self._wanted and is_here:
            shown = then(result)
            if isawaitable(shown):
                await shown
        self._is_reading = False
        if self._waiting is not None:
            self._start(self._waiting)
