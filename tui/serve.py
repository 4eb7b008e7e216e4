"""`cxr dashboard --serve`: the dashboard in a browser, by textual-serve.

Whoever reaches the page sees the workspace and launches jobs. A loopback port is open to every
user of the host, and to any page that a browser of theirs shows; hence the token, the same-origin
check, and a policy that lets the page load nothing from elsewhere.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

from data_contracts.errors import UsageError
from jobs._engines._call import cxr_command
from tui.shared.sanitize import sanitize
from tui.themes import DARK

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN_VARIABLE = "CXR_DASHBOARD_TOKEN"  # noqa: S105
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'"
)
#: The page, in the look of the dashboard.
_TEMPLATES = Path(__file__).with_name("browser")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(workspace: Path, host: str, port: int, token: str | None) -> None:
    """Serve until Ctrl-C. Without a token a random one is made and printed with the URL.

    Raises `UsageError` for an address beyond loopback without a token of one's own, and for a
    port that cannot be had.
    """
    token = token or os.environ.get(TOKEN_VARIABLE)
    if host not in LOOPBACK and not token:
        raise UsageError(
            f"--host {host} exposes the workspace to other hosts; set --token, or drop --host and "
            "use `ssh -L`"
        )
    if not 1 <= port <= 65535:
        raise UsageError(f"--port {port}: want 1 to 65535")
    try:
        _Guarded(workspace, host, port, token or secrets.token_urlsafe(16)).serve()
    except OSError as error:
        # Errors of name resolution have negative numbers.
        number = error.errno or 0
        reason = os.strerror(number).lower() if number > 0 else "no such host"
        raise UsageError(
            f"cannot listen on --host {host} --port {port} ({reason}); choose another"
        ) from error


class _Guarded(Server):
    """textual-serve behind a token."""

    def __init__(self, workspace: Path, host: str, port: int, token: str) -> None:
        args = [cxr_command(), "dashboard", f"--workspace={workspace.absolute()}"]
        title = f"cxr: {sanitize(workspace.absolute().name)}"
        super().__init__(
            shlex.join(args), host=host, port=port, title=title, templates_path=_TEMPLATES
        )
        self._token = token
        # Browsers keep cookies by host, whatever the port.
        self._cookie = f"cxr-dashboard-{port}"

    def serve(self, debug: bool = False) -> None:  # noqa: ARG002
        """Until Ctrl-C. Requests are not logged: they contain the token."""
        web.run_app(
            self._make_app(), host=self.host, port=self.port, print=self._print_url, access_log=None
        )

    def _print_url(self, _: str) -> None:
        """Called once the port is open."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        url = f"http://{name}:{self.port}/?token={quote(self._token, safe='')}"
        print(f"cxr dashboard: {url}   (Ctrl-C stops it)", file=sys.stderr, flush=True)

    async def on_startup(self, app: web.Application) -> None:
        """Nothing: the URL is printed once the port is open."""

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        aiohttp_jinja2.get_env(app).globals["theme"] = DARK
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        self._require_same_origin(request)
        given = request.query.get("token")
        if given is not None and self._is_token(given):
            # Out of the address, so that it does not stay in the browser's history.
            answer: web.StreamResponse = web.HTTPSeeOther(request.path)
            answer.set_cookie(self._cookie, given, httponly=True, samesite="Strict")
            return answer
        if not self._is_token(request.cookies.get(self._cookie, "")):
            raise web.HTTPForbidden(text="Forbidden: open the URL printed by cxr dashboard --serve")
        # The address as the browser knows it, which through a tunnel is not this host's.
        self.public_url = f"{request.scheme}://{request.host}"
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = _POLICY
            answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _require_same_origin(self, request: web.Request) -> None:
        """Refuse another site's page, and another name for this host (DNS rebinding)."""
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="Forbidden: request from another site")
        if self.host in LOOPBACK and urlsplit(f"//{request.host}").hostname not in LOOPBACK:
            raise web.HTTPForbidden(text="Forbidden: served on this host only")
