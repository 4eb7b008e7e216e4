from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from cxrcore import threads
from cxrcore.threads import Once, one_at_a_time, one_blas_thread, side_by_side


@pytest.fixture(autouse=True)
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 3)


def test_no_more_threads_work_than_there_are_cores_and_results_keep_their_order() -> None:
    seen = set[int]()

    def outer(i: int) -> list[int]:
        return side_by_side(lambda j: inner(10 * i + j), range(4))

    def inner(number: int) -> int:
        seen.add(threading.get_ident())
        time.sleep(0.002)
        assert threading.active_count() <= before + 2
        return number

    before = threading.active_count()
    assert side_by_side(outer, range(6)) == [[10 * i + j for j in range(4)] for i in range(6)]
    assert len(seen) >= 3
    assert threading.active_count() == before
    assert side_by_side(inner, []) == []


def test_an_error_reaches_the_caller_unchanged_and_nothing_more_is_begun() -> None:
    begun, errors = list[int](), {i: ValueError(f"item {i}") for i in (1, 2)}
    both = threading.Barrier(2)

    def work(i: int) -> None:
        begun.append(i)
        if i in errors:
            both.wait(5)
            raise errors[i]
        while not both.broken and len(begun) < 3:
            time.sleep(0.001)

    with pytest.raises(ValueError, match="item 1") as raised:
        side_by_side(work, range(50))
    assert raised.value is errors[1]
    assert len(begun) < 10


def test_breaking_off_stops_every_thread() -> None:
    main, waiting = threading.main_thread(), threading.Event()

    def work(_: int) -> None:
        if threading.current_thread() is main:
            assert waiting.wait(5)
            raise KeyboardInterrupt
        # In a loop of its own, which is broken off too.
        side_by_side(forever, [0, 1])

    def forever(_: int) -> None:
        waiting.set()
        while True:
            time.sleep(0.001)

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, range(2))
    assert threading.active_count() == before
    assert side_by_side(abs, [-1, -2]) == [1, 2]


def test_what_several_threads_ask_for_is_computed_once() -> None:
    once, computed = Once[int](), list[int]()

    def compute() -> int:
        time.sleep(0.002)
        computed.append(1)
        return 7

    assert side_by_side(lambda key: once.get(key, compute), [0, 0, 1, 0]) == [7] * 4
    assert len(computed) == 2


def test_sums_of_blas_do_not_depend_on_its_threads() -> None:
    from threadpoolctl import threadpool_limits

    x = np.random.default_rng(0).normal(size=(20_001, 7))
    found = []
    for limit in (1, 2):
        with threadpool_limits(limit), one_blas_thread():
            found.append((x.T @ x, x[:, 0] @ x[:, 1], x.T @ x[:, 0]))
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


def test_progress_of_several_threads_adds_up() -> None:
    told = [0.0]

    def advance(share: float) -> None:
        before = told[-1]
        time.sleep(0.001)
        told.append(before + share)

    side_by_side(one_at_a_time(advance), [0.125] * 8)
    assert told == sorted(told)
    assert told[-1] == 1
