"""MIMIC-CXR comes as DICOM and as JPEG: the same paths with another suffix."""

from __future__ import annotations

from collections.abc import Sequence

from cxrcore.pixels.image_files import Root, exists

_OTHER = {".dcm": ".jpg", ".jpg": ".dcm"}
#: Paths that are tried, evenly spaced.
_SAMPLE = 32


def paths_of_edition(root: Root, paths: Sequence[str]) -> list[str]:
    """`paths` as the files below `root` are called: all as given, or all of the other edition.

    The other one is taken if `root` has none of the files tried and some of theirs. It is never
    a mixture, since the JPEG edition was equalised by its publishers. Raises what
    `image_files.exists` raises.
    """
    other = [_of_other_edition(path) for path in paths]
    tried = slice(None, None, -(-len(paths) // _SAMPLE) or 1)
    if any(exists(root, path) for path in paths[tried]):
        return list(paths)
    return other if any(exists(root, path) for path in other[tried]) else list(paths)


def _of_other_edition(path: str) -> str:
    return path[:-4] + _OTHER.get(path[-4:], path[-4:])
