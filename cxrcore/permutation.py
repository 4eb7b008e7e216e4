"""Labels shuffled over patients, whose images keep theirs together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class PatientPermutations:
    """Permutations of the labels of n images over their patients.

    A patient takes over the whole label sequence of another one, in the order of the images, so
    labels depend on each other within a patient as they did. Where the two have different numbers
    of images m and m', image k of the m has label floor(k m' / m) of the m': the sequence is
    stretched. With one image per patient it is a permutation of the labels; where the labels are
    the same within each patient, one of the patients' labels.
    """

    def __init__(self, subjects: NDArray[Any]) -> None:
        """`subjects` (n,) are the images' patients."""
        _, first, inverse = np.unique(subjects, return_index=True, return_inverse=True)
        # Patients count in the order in which they appear.
        self._patient = np.argsort(np.argsort(first))[inverse]
        self._images = np.bincount(self._patient)
        self._order = np.argsort(self._patient, kind="stable")
        self._start = np.cumsum(self._images) - self._images
        self._position = np.empty(len(subjects), dtype=np.intp)
        self._position[self._order] = (
            np.arange(len(subjects)) - self._start[self._patient[self._order]]
        )

    def draw(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """(n,) the image whose label each image gets."""
        donor = rng.permutation(len(self._images))[self._patient]
        if len(self._images) == len(self._patient):
            return np.asarray(self._order[donor])
        step = self._position * self._images[donor] // self._images[self._patient]
        return np.asarray(self._order[self._start[donor] + step])
