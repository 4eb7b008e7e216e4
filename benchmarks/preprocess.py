"""Milliseconds per full-size image, on one core, beside the peers and the bare file read.

    python benchmarks/preprocess.py [--images 6] [--rounds 5]

The images (3056 × 2544, 12 bit DICOM; the same as 8 bit JPEG) are drawn and written to a
temporary folder. All rows are measured in turn in this process, several rounds, each after an
image that does not count: else it would pay for what the row before left of memory. Of each image
the best round counts (neighbours only ever slow it down), and the mean is printed beside its
ratio to ours. A peer that cannot be imported is named so; `requirements/bench.txt` holds their
versions. Then images per second of one worker and of two, and the memory of the largest.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM",
)  # fmt: skip
os.environ.update(dict.fromkeys(THREADS, "1"))

import numpy as np  # noqa: E402
import pydicom  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from PIL import Image  # noqa: E402
from pydicom.dataset import FileDataset, FileMetaDataset  # noqa: E402

from cxrcore.pixels import ProcessedImage, prepare, prepare_all  # noqa: E402

ROWS, COLUMNS, SIZE = 3056, 2544, 224
Row = tuple[str, Callable[[Path], object] | None]


def thorax(number: int) -> NDArray[np.uint16]:
    """A smooth body with noise, 12 bit: (3056, 2544)."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    body = 1.3 - np.hypot(1.2 * x, y) - 0.5 * np.exp(-((np.abs(x) - 0.4) ** 2 + y**2) * 12)
    return np.asarray(np.clip(2500 * body + 300 + rng.normal(0, 25, x.shape), 0, 4095), np.uint16)


def write_dicom(stored: NDArray[np.uint16], path: Path, *, windowed: bool) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", pydicom.uid.generate_uid()
    ds.Modality, ds.PhotometricInterpretation, ds.SamplesPerPixel = "DX", "MONOCHROME2", 1
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    if windowed:
        ds.WindowCenter, ds.WindowWidth = 2000, 3600
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OW"
    ds.save_as(path, enforce_file_format=True)


def ours(path: Path) -> None:
    assert isinstance(prepare(path, SIZE), ProcessedImage)


def read(path: Path) -> bytes:
    return path.read_bytes()


def scaled(image: Image.Image) -> Image.Image:
    image.thumbnail((SIZE, SIZE), Image.Resampling.BOX, reducing_gap=None)
    return image


def pydicom_and_pil(path: Path) -> Image.Image:
    ds = pydicom.dcmread(path)
    stored = ds.pixel_array
    low, high = (2000 - 1800, 2000 + 1800) if "WindowCenter" in ds else (stored.min(), stored.max())
    grey = np.clip((stored.astype(np.float32) - low) * (255 / (high - low)), 0, 255)
    return scaled(Image.fromarray(grey.astype(np.uint8)))


def torchvision(reader: str) -> Callable[[Path], object]:
    torch, functional = (
        import_module("torch"),
        import_module("torchvision.transforms.v2.functional"),
    )
    decode = import_module("torchvision.io").decode_jpeg
    torch.set_num_threads(1)

    def load(path: Path) -> object:
        if reader == "jpeg":
            grey = decode(torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8))
        else:
            stored = torch.from_numpy(pydicom.dcmread(path).pixel_array.astype(np.float32))
            low, high = torch.aminmax(stored)
            grey = ((stored - low) / (high - low)).clamp(0, 1)[None]
        return functional.resize(grey, [SIZE, round(SIZE * COLUMNS / ROWS)], antialias=True)

    return load


def scaled_decode(path: Path) -> None:
    image = Image.open(path)
    image.draft("L", (SIZE, SIZE))
    image.load()


def pil(path: Path) -> Image.Image:
    image = Image.open(path)
    image.load()
    return scaled(image)


def monai() -> Callable[[Path], object] | None:
    if find_spec("monai") is None:
        return None
    transforms = import_module("monai.transforms")
    return transforms.Compose(  # type: ignore[no-any-return]
        [
            transforms.LoadImage(image_only=True, ensure_channel_first=True),
            transforms.ScaleIntensityRangePercentiles(0.5, 99.5, 0, 255, clip=True),
            transforms.Resize(SIZE, size_mode="longest", mode="area"),
        ]
    )


def torchxrayvision(reader: str) -> Callable[[Path], object] | None:
    if find_spec("torchxrayvision") is None:
        return None
    xrv = import_module("torchxrayvision")
    resize = xrv.datasets.XRayResizer(SIZE)

    def load(path: Path) -> object:
        if reader == "dicom":
            stored = xrv.utils.read_xray_dcm(str(path), voi_lut=False)
        else:
            stored = xrv.datasets.normalize(np.asarray(Image.open(path)), 255)
        return resize(stored[None])

    return load


def measure(title: str, paths: list[Path], rows: list[Row], rounds: int) -> None:
    best: dict[str, list[float]] = {name: [math.inf] * len(paths) for name, _ in rows}
    for _ in range(rounds):
        for name, load in rows:
            if load is None:
                continue
            load(paths[0])
            for number, path in enumerate(paths):
                start = time.perf_counter()
                load(path)
                best[name][number] = min(best[name][number], 1e3 * (time.perf_counter() - start))
    base = statistics.mean(best["cxr"])
    print(f"\n{title}\n{'':28}{'ms/image':>10}{'to ours':>10}")
    for name, load in rows:
        mean = statistics.mean(best[name])
        shown = f"{mean:10.2f}{mean / base:9.2f}×" if load else f"{'not installed':>20}"
        print(f"{name:28}{shown}")


def largest_worker() -> int:
    """MiB of resident memory, at most until now, of the largest worker."""
    status = [Path(f"/proc/{c.pid}/status").read_text() for c in multiprocessing.active_children()]
    return max(int(text.split("VmHWM:")[1].split()[0]) for text in status) >> 10


def measure_workers(folder: Path, names: list[str], repeats: int) -> None:
    """Images per second and memory; starting is left out, as are the first images of a worker."""
    for workers in (1, 2):
        results = prepare_all(folder, names * repeats, SIZE, workers)
        for _ in range(2 * workers):
            next(results)
        rest, memory = len(names) * repeats - 2 * workers, [largest_worker()]
        start = time.perf_counter()
        for _ in range(rest - 1):
            next(results)
        seconds = time.perf_counter() - start
        memory.append(largest_worker())
        results.close()
        print(f"{workers} workers: {(rest - 1) / seconds:.1f} images/s, the largest has "
              f"{memory[0]} MiB at first, {memory[1]} in the end")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    dicom_peers: list[Row] = [
        ("bare file read", read), ("pydicom + PIL", pydicom_and_pil),
        ("pydicom + torchvision", torchvision("dicom")), ("MONAI", monai()),
        ("torchxrayvision", torchxrayvision("dicom")),
    ]  # fmt: skip
    jpeg_peers: list[Row] = [
        ("bare file read", read), ("scaled decode alone", scaled_decode), ("PIL", pil),
        ("torchvision", torchvision("jpeg")), ("torchxrayvision", torchxrayvision("jpeg")),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), range(options.images)
        for i in numbers:
            stored = thorax(i)
            write_dicom(stored, folder / f"window{i}.dcm", windowed=True)
            write_dicom(stored, folder / f"plain{i}.dcm", windowed=False)
            Image.fromarray((stored >> 4).astype(np.uint8)).save(folder / f"{i}.jpg", quality=95)
        for title, pattern, peers in (
            ("DICOM with a window", "window*.dcm", dicom_peers),
            ("DICOM without (percentiles)", "plain*.dcm", dicom_peers),
            ("JPEG", "*.jpg", jpeg_peers),
        ):
            paths = sorted(folder.glob(pattern))
            measure(f"{title}, {ROWS}×{COLUMNS} → {SIZE}²", paths, [("cxr", ours), *peers],
                    options.rounds)  # fmt: skip
        print("\nDICOM without a window, by worker processes")
        measure_workers(folder, [f"plain{i}.dcm" for i in numbers], 8 * options.rounds)


if __name__ == "__main__":
    main()
