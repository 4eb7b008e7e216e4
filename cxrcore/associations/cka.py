"""How alike two networks' features arrange the patients: debiased linear CKA."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Estimate, Floats, beside_null
from cxrcore.associations.probe import Indices, finite
from cxrcore.compilation import compiled
from cxrcore.threads import side_by_side
from cxrcore.workers import usable_cores

_LEAST_PATIENTS = 5


def cka(
    x: NDArray[np.floating], y: NDArray[np.floating], subject: Indices, seed: int,
    patients: int = 2000, draws: int = 199,
) -> list[Estimate]:  # fmt: skip
    """Debiased linear CKA of two networks' features (n, d) and (n, e) of the same images.

    Value, interval and null are all of the same patients: a seeded choice of at most `patients` of
    `subject` (n,), with one seeded image each, since rows of one patient are not independent. The
    interval is normal on Fisher's z scale, with the jackknife's standard error over patients. The
    null "shuffled patients" pairs each patient's x with another's y. The ceiling is this function
    on two seeds of one network.

    Raises:
        ValueError: features that are not finite.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(subject))
    _, first = np.unique(subject[order], return_index=True)
    rows = order[rng.permutation(first)[:patients]]
    base = Estimate("debiased_cka", np.nan, len(rows))
    if len(rows) < _LEAST_PATIENTS:
        return [replace(base, reason=f"fewer than {_LEAST_PATIENTS} patients")]
    x, y = finite(x[rows]), finite(y[rows])
    if not (_varies(x) and _varies(y)):
        return [replace(base, reason="the features do not vary")]
    ours, theirs = _kernel(x), _kernel(y)
    value, each = _cka_and_without_each(ours, theirs)
    base = replace(base, value=value)
    shuffled = _shuffled_values(ours, theirs, draws, rng)
    return [beside_null(base, _jackknife_interval(value, each), shuffled, "shuffled patients")]


def debiased_cka(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Debiased linear CKA of features (n, d) and (n, e) of the same n >= 5 patients, one row each.

    HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)) of K = XXᵀ and L = YYᵀ with the unbiased HSIC (Song et al.
    2012, JMLR 13, eq. 5; Murphy et al. 2024, arXiv 2405.01012): 0 on average for unrelated
    features whatever d / n, where the biased one is high. NaN where features do not vary. Two rows
    of one patient would count as agreement.
    """
    if not (_varies(x) and _varies(y)):
        return np.nan
    return _cka_and_without_each(_kernel(x), _kernel(y))[0]


def _varies(x: NDArray[np.floating]) -> bool:
    return bool((x != x[0]).any())


def _kernel(x: NDArray[np.floating]) -> Floats:
    """XXᵀ (n, n) of centred features (n, d), its diagonal 0."""
    z = x - x.mean(axis=0, dtype=np.float64)
    kernel = z @ z.T
    np.fill_diagonal(kernel, 0)
    return np.asarray(kernel)


def _cka_and_without_each(a: Floats, b: Floats) -> tuple[float, Floats]:
    """The debiased CKA of kernels (n, n), and that of all patients but each one (n,)."""
    (xy, xy_each), (xx, xx_each), (yy, yy_each) = _hsic(a, b), _hsic(a, a), _hsic(b, b)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole, each = xy / np.sqrt(xx * yy), xy_each / np.sqrt(xx_each * yy_each)
    return float(whole), each


def _hsic(ours: Floats, theirs: Floats) -> tuple[np.float64, Floats]:
    """Unbiased HSIC of kernels K and L (n, n), and that of all rows but each one (n,).

    It is made of sum(K * L), sum(K), sum(L) and 1ᵀKL1, and so is what one row adds to it.
    """
    n = len(ours)
    k, l_ = ours.sum(axis=1), theirs.sum(axis=1)  # K1 and L1
    both = np.einsum("ij,ij->i", ours, theirs)  # row sums of K * L
    k_l, l_k = ours @ l_, theirs @ k  # KL1 and LK1
    product = k @ l_  # 1ᵀKL1
    whole = _combined(n, both.sum(), k.sum(), l_.sum(), product)
    each = _combined(
        n - 1, both.sum() - 2 * both, k.sum() - 2 * k, l_.sum() - 2 * l_,
        product - k * l_ - k_l - l_k + both,
    )  # fmt: skip
    return whole, each


def _combined(n: int, both: Any, k: Any, l_: Any, product: Any) -> Any:
    """Unbiased HSIC of n rows from sum(K * L), sum(K), sum(L) and 1ᵀKL1."""
    rest = k * l_ / ((n - 1) * (n - 2)) - 2 * product / (n - 2)
    return (both + rest) / (n * (n - 3))


def _shuffled_values(ours: Floats, theirs: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Debiased CKA (draws,) of a kernel (n, n) with shuffled rows and columns of another one."""
    ours, theirs = _centred(ours), _centred(theirs)
    orders = np.stack([rng.permutation(len(ours)) for _ in range(draws)]).astype(np.uint32)
    values, cores = np.empty(draws), usable_cores()
    parts = zip(np.array_split(orders, cores), np.array_split(values, cores), strict=True)
    side_by_side(lambda part: _shuffled_products(ours, theirs, *part), list(parts))
    return np.asarray(values / np.sqrt(np.vdot(ours, ours) * np.vdot(theirs, theirs)))


@compiled
def _shuffled_products(ours: Floats, theirs: Floats, orders: Any, out: Floats) -> None:
    """Inner products (draws,) of a symmetric matrix with the other one's rows and columns moved."""
    for draw in range(len(orders)):
        order, total = orders[draw], 0.0
        for i in range(len(ours)):
            mine, row, line = ours[i], theirs[order[i]], 0.0
            for j in range(i):
                line += mine[j] * row[order[j]]
            total += 2 * line + mine[i] * row[order[i]]
        out[draw] = total


def _centred(kernel: Floats) -> Floats:
    """A kernel (n, n) U-centred: rows and columns sum to 0, the diagonal is 0.

    The unbiased HSIC of two kernels is the inner product of theirs over n (n - 3) (Székely & Rizzo
    2014).
    """
    n, sums = len(kernel), kernel.sum(axis=1)
    centred = kernel - (sums[:, None] + sums) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return np.asarray(centred)


def _jackknife_interval(value: float, each: Floats) -> tuple[float | None, float | None]:
    """95 % interval of a correlation-like value from those without each patient (n,)."""
    within = 1 - 1e-12
    z, left_out = np.arctanh(np.clip(value, -within, within)), np.clip(each, -within, within)
    n = len(each)
    error = np.sqrt((n - 1) * np.var(np.arctanh(left_out)))
    if not np.isfinite(error):
        return None, None
    low, high = np.tanh([z - 1.96 * error, z + 1.96 * error])
    return float(low), float(high)
