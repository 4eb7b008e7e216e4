"""An S3 server on loopback, that can be stopped, started again, and told to deny access."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem  # type: ignore[import-untyped]

KEY, SECRET = "AKIAOFNOBODY", "no-secret-at-all"
BUCKET = "radiographs"


class ObjectStore:
    """What is in it stays when it is stopped."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        _, self.port = self._server.get_host_and_port()

    def stop(self) -> None:
        self._server.stop()

    def deny(self, after: float = 0) -> None:
        """Refuse what is asked for, once `after` more requests have been answered."""
        settings.INITIAL_NO_AUTH_ACTION_COUNT = after
        ActionAuthenticatorMixin.request_count = 0

    def put(self, folder: Path, url: str) -> None:
        """Upload all files of a folder, to lie below a URL as they do in it."""
        store = S3FileSystem()
        for path in folder.rglob("*"):
            if path.is_file():
                key = path.relative_to(folder).as_posix()
                store.pipe_file(f"{url}/{key}", path.read_bytes())


@pytest.fixture(scope="module")
def object_store() -> Iterator[ObjectStore]:
    """A server with an empty bucket, to which the environment leads; it is asked once a time."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store = ObjectStore()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": store.endpoint, "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        S3FileSystem.clear_instance_cache()
        S3FileSystem().mkdir(BUCKET)
        yield store
        store.deny(after=float("inf"))
        # The servers of one process share what they hold.
        S3FileSystem().rm(BUCKET, recursive=True)
        store.stop()
        S3FileSystem.clear_instance_cache()
