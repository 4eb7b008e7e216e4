"""What an image costs that comes from an object store, and how many workers hide the waiting.

    python benchmarks/object_store.py [--images 24] [--workers 1 2 4 8 16] [--latency 150]

An S3 server (moto) on loopback, a process of its own, holds full-size objects and small images.
First the processor time of fetching an object of 15.5 MB is measured, without TLS; then images/s
of `prepare_all` on small images, each answer held back by so many milliseconds.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import ThreadedMotoServer
from PIL import Image
from s3fs import S3FileSystem  # type: ignore[import-untyped]

from cxrcore.pixels import ProcessedImage, image_files, prepare_all

ROOT = "s3://images/radiographs"
FULL = 3056 * 2544 * 2


def serve(line: Connection, latency: float) -> None:
    """Serve until the line is cut; every answer is held back by `latency` seconds."""
    answer: Callable[..., Any] = DomainDispatcherApplication.__call__

    def late(*request: Any) -> Any:
        time.sleep(latency)
        return answer(*request)

    DomainDispatcherApplication.__call__ = late  # type: ignore[assignment, method-assign]
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    line.send(server.get_host_and_port()[1])
    line.poll(None)


def fetch_cost(images: int) -> tuple[float, float]:
    """Milliseconds of processor and of the clock to fetch a full-size object."""
    image_files.read_image(ROOT, "full0")
    clock, processor = time.perf_counter(), time.process_time()
    for number in range(images):
        image_files.read_image(ROOT, f"full{number % 4}")
    done = time.process_time() - processor, time.perf_counter() - clock
    return 1e3 * done[0] / images, 1e3 * done[1] / images


def images_per_second(path: str, workers: int) -> float:
    """Once every worker has started and has answered several times."""
    first, then = 10 * workers, 15 * workers
    results = prepare_all(ROOT, [path] * (first + then), 224, workers)
    assert all(isinstance(next(results), ProcessedImage) for _ in range(first))
    start = time.perf_counter()
    return sum(1 for _ in results) / (time.perf_counter() - start)


def with_server(latency: float, measure: Callable[[], None]) -> None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, latency))
    server.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ours.recv()}", "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    S3FileSystem.clear_instance_cache()
    try:
        measure()
    finally:
        server.terminate()
        server.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=24, help="full-size objects to fetch")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--latency", type=float, default=150.0, help="milliseconds")
    options = parser.parse_args()
    rng = np.random.default_rng(0)

    def full_size() -> None:
        S3FileSystem().mkdir("images")
        for number in range(4):
            S3FileSystem().pipe_file(f"{ROOT}/full{number}", rng.bytes(FULL))
        processor, clock = fetch_cost(options.images)
        print(f"object of {FULL / 1e6:.1f} MB: {processor:.1f} ms processor, {clock:.1f} ms clock")

    def small() -> None:
        S3FileSystem().mkdir("images")
        content = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (256, 256), np.uint8)).save(content, "PNG")
        S3FileSystem().pipe_file(f"{ROOT}/small.png", content.getvalue())
        print(f"small images, each answer {options.latency:g} ms late")
        for workers in options.workers:
            rate = images_per_second("small.png", workers)
            print(f"{workers:4} workers {rate:6.1f} images/s")

    with_server(0.0, full_size)
    with_server(options.latency / 1e3, small)


if __name__ == "__main__":
    main()
