"""Which layout is taken among those whose times are all but equal.

Where everything overlaps, many layouts take the same time, and only what happens when less overlaps tells them apart:
first the bound operation by operation, then the bound without overlap, then how simple a layout is.
"""

from collections.abc import Sequence

import numpy as np

from steptime.model.layout.enumeration import Columns

Array = np.ndarray
NEAR = 0.01
"""Layouts whose time, or cost, exceeds the least by no more than this, relative, are ties: the model's inputs are not
known to one per cent."""
DIGITS = 12
"""Digits to which numbers of two routes agree: what agrees in them is equal."""
SPLITTING = ("tp", "cp", "dp", "pp", "replicas")
"""Degrees that multiply to the chips; ep spans chips that these give."""


def near(times: Array, within: float = NEAR) -> Array:
    """Places of what exceeds the least by no more than ``within``.

    >>> near(np.array([3.0, 1.0, 1.005, 1.02])).tolist()
    [1, 2]
    """
    return np.flatnonzero(times <= times.min() * (1 + within)) if len(times) else np.zeros(0, int)


def preferred(bounds: Sequence[Array], columns: Columns, rows: Array, more: Sequence[Array] = ()) -> Array:
    """Places in order of preference: the least of each of ``bounds`` in turn, fewer degrees, larger ep before sliced
    experts, then the least of each of ``more``, then the earlier place.

    >>> few = {"tp": [8, 2], "cp": [1, 1], "dp": [1, 4], "pp": [1, 1], "replicas": [1, 1], "ep": [1, 1]}
    >>> alike = {name: np.array(column) for name, column in few.items()}
    >>> preferred([np.array([1.0, 1.0])], alike, np.arange(2)).tolist()
    [0, 1]
    """
    degrees = np.sum([columns[name][rows] != 1 for name in SPLITTING], axis=0)
    keys = [*map(rounded, bounds), degrees, -columns["ep"][rows], *more]
    return np.lexsort(keys[::-1])


def rounded(values: Array) -> Array:
    """Positive numbers to twelve digits.

    >>> rounded(np.array([1 / 3, 0.0, np.inf])).tolist()
    [0.333333333333, 0.0, inf]
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(values)))
        found = np.round(values * scale) / scale
    return np.where(np.isfinite(found), found, values)
