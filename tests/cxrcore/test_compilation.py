"""Compiled loops work also where nothing can be kept on disk."""

from __future__ import annotations

import numpy as np
import pytest

from cxrcore.compilation import compiled


def doubled(values: np.ndarray, out: np.ndarray) -> None:
    for i in range(len(values)):
        out[i] = 2 * values[i]


def test_without_any_folder_a_kernel_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_folder(*_: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("numba.core.caching.FunctionCache.__init__", without_folder)
    out = np.empty(2)
    compiled(doubled)(np.array([1.0, 2.0]), out)
    assert out.tolist() == [2, 4]


def test_a_folder_that_fills_up_does_not_stop_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching._Cache.save_overload", full, raising=False)
    monkeypatch.setattr("numba.core.caching.Cache.save_overload", full)
    out = np.empty(2)
    compiled(doubled)(np.array([1.0, 2.0]), out)
    assert out.tolist() == [2, 4]
