from __future__ import annotations

import numpy as np

from cxrcore.permutation import PatientPermutations

RNG = np.random.default_rng(0)


def test_one_image_per_patient_is_a_permutation_of_the_images() -> None:
    rows = PatientPermutations(RNG.permutation(50)).draw(np.random.default_rng(1))
    np.testing.assert_array_equal(rows, np.random.default_rng(1).permutation(50))


def test_patients_with_equally_many_images_exchange_whole_sequences() -> None:
    subjects = np.tile(np.arange(20), 3)
    labels = np.arange(60)
    rows = PatientPermutations(subjects).draw(np.random.default_rng(2))
    assert sorted(labels[rows]) == list(range(60))
    for patient in range(20):
        got = labels[rows][subjects == patient]
        donor = got[0] % 20
        np.testing.assert_array_equal(got, labels[subjects == donor])


def test_labels_that_are_constant_within_patients_stay_so_and_are_permuted() -> None:
    subjects = np.repeat([f"s{i}" for i in range(30)], RNG.integers(1, 6, 30))
    of_patient = dict(zip(np.unique(subjects), RNG.permutation(30), strict=True))
    labels = np.array([of_patient[s] for s in subjects])
    got = labels[PatientPermutations(subjects).draw(np.random.default_rng(3))]
    assert sorted(of_patient.values()) == sorted(set(got))
    assert all(len(set(got[subjects == s])) == 1 for s in of_patient)


def test_a_sequence_is_stretched_to_more_images_in_its_order() -> None:
    subjects = np.array(["a", "a", "b", "b", "b", "b", "b"])
    labels = np.arange(7)
    seen = {
        tuple(labels[PatientPermutations(subjects).draw(np.random.default_rng(s))].tolist())
        for s in range(20)
    }
    assert seen == {(0, 1, 2, 3, 4, 5, 6), (2, 4, 0, 0, 0, 1, 1)}
