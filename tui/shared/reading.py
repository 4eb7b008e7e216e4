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
    `failed` gets a `CxrError`, which otherwise is reported under `name`.
    """

    def __init__(
        self,
        node: DOMNode,
        name: str,
        show: Callable[[_T], Any],
        failed: Callable[[CxrError], Any] | None = None,
    ) -> None:
        self._node, self._name, self._show, self._failed = node, name, show, failed
        self._wanted: object = None

    def want(self, key: object, read: Callable[[], _T], *, again: bool = False) -> bool:
        """Have `read` called in a thread, unless what `key` stands for was wanted last.

        `again`: then as well, such as for a file that grows. Returns whether it is called.
        """
        if key == self._wanted and not again:
            return False
        self._wanted = key
        self._node.run_worker(
            partial(self._run, key, read), self._name, group=self._name, description=self._name,
            exclusive=True, thread=True,
        )  # fmt: skip
        return True

    def do(self, act: Callable[[], _T]) -> None:
        """Have `act` called in a thread, whatever is asked for later."""
        self.want(self._name, act, again=True)

    def forget(self) -> None:
        """Show nothing that is being read; whatever is wanted next is read."""
        self._wanted = None

    def _run(self, key: object, read: Callable[[], _T]) -> None:
        try:
            result = read()
        except CxrError as error:
            if self._failed is None:
                self._node.post_message(ErrorMet(self._name, str(error)))
            else:
                self._node.call_later(self._if_wanted, key, self._failed, error)
        else:
            self._node.call_later(self._if_wanted, key, self._show, result)

    async def _if_wanted(self, key: object, then: Callable[[Any], Any], result: Any) -> None:
        if key == self._wanted:
            shown = then(result)
            if isawaitable(shown):
                await shown
