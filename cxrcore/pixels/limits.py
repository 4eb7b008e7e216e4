"""Size limits of an image: what is stored must not depend on the memory of the machine."""

from __future__ import annotations

from cxrcore.pixels.result import UnusableError

#: Samples (pixels × colours) of an image: three times the largest detectors and film digitizers.
MAX_SAMPLES = 1 << 26
#: Bytes of a file, and of what it inflates to: the largest 16-bit image, and 16 MiB around it.
MAX_BYTES = 2 * MAX_SAMPLES + (1 << 24)


def require_samples(rows: int, columns: int, samples: int = 1) -> None:
    """Raise `UnusableError` for an image that declares no size, or one beyond `MAX_SAMPLES`."""
    if min(rows, columns, samples) < 1:
        raise UnusableError("not_decodable", "the image declares no size")
    if rows * columns * samples > MAX_SAMPLES:
        raise UnusableError("not_decodable", f"more than {MAX_SAMPLES >> 20} Mi samples declared")


def require_bytes(count: int) -> None:
    """Raise `UnusableError` for content of more than `MAX_BYTES`."""
    if count > MAX_BYTES:
        raise UnusableError("not_decodable", f"larger than {MAX_BYTES >> 20} MiB")
