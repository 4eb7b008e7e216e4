"""Colours of attribution maps: the same in the report, on the dashboard and in exported pictures.

Both scales are read without telling red from green, on a grey radiograph and in 256 colours. Points
between these anchors, evenly spaced, are blends of the two beside them.
"""

from __future__ import annotations

#: Against the class, nothing, for the class: the ends are lighter than the middle, so that
#: strength is seen as light and direction as hue.
DIVERGING = ((0x00, 0xD7, 0xFF), (0x00, 0x80, 0xFF), (0x2E, 0x4F, 0xA8), (0x5C, 0x5C, 0x5C),
             (0xA8, 0x30, 0x30), (0xFF, 0x40, 0x1A), (0xFF, 0xAF, 0x00))  # fmt: skip
#: From nothing to much, by lightness.
SEQUENTIAL = ((0x2A, 0x2A, 0x70), (0x7A, 0x2A, 0x9C), (0xD1, 0x3C, 0x7B), (0xFF, 0x87, 0x4A),
              (0xFF, 0xF0, 0x60))  # fmt: skip
