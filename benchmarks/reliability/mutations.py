"""What a failing disk, network or programme makes of a file, at places that are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_WORDS = (b"\0\0", b"\xff\xff")
_BLOCK = 512
Rng = np.random.Generator
Damage = Callable[[bytearray, Rng, int, int], object]


def flip_bit(raw: bytearray, rng: Rng, start: int, end: int) -> None:
    raw[int(rng.integers(start, end))] ^= 1 << int(rng.integers(8))


def change_byte(raw: bytearray, rng: Rng, start: int, end: int) -> None:
    raw[int(rng.integers(start, end))] ^= int(rng.integers(1, 256))


def turn_word(raw: bytearray, rng: Rng, start: int, end: int) -> None:
    """Turn a 16-bit word 0000 into ffff or back: Fletcher-32 does not see it."""
    first = int(rng.integers(start, end)) & ~1
    for place in [*range(first, end - 1, 2), *range(start & ~1, first, 2)]:
        if (word := bytes(raw[place : place + 2])) in _WORDS:
            raw[place : place + 2] = _WORDS[1 - _WORDS.index(word)]
            return


def zero_block(raw: bytearray, rng: Rng, start: int, end: int) -> None:
    place = int(rng.integers(start, end))
    raw[place : place + _BLOCK] = bytes(len(raw[place : place + _BLOCK]))


def truncate(raw: bytearray, rng: Rng, start: int, end: int) -> None:
    del raw[int(rng.integers(start, end)) :]


def append(raw: bytearray, rng: Rng, start: int, end: int) -> None:
    raw += rng.bytes(int(rng.integers(1, 2 * _BLOCK))) if end > start else b""


def swap_blocks(raw: bytearray, rng: Rng, start: int, end: int) -> None:
    size = min(_BLOCK, (end - start) // 4)
    one, other = (int(p) for p in rng.integers(start, end - size, 2))
    raw[one : one + size], raw[other : other + size] = (
        raw[other : other + size],
        raw[one : one + size],
    )


KINDS: dict[str, Damage] = {
    "bit": flip_bit, "byte": change_byte, "word": turn_word, "zeros": zero_block,
    "cut": truncate, "longer": append, "swap": swap_blocks,
}  # fmt: skip


def mutated(whole: bytes, kind: str, rng: Rng, span: tuple[int, int]) -> bytes:
    """`whole` with one change within `span`; drawn again while it changes nothing."""
    for _ in range(50):
        raw = bytearray(whole)
        KINDS[kind](raw, rng, *span)
        if raw != whole:
            break
    return bytes(raw)
