"""Rows of a linear program by name, as they are written down one coefficient at a time."""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

Key = tuple[object, ...]


@dataclass
class Rows:
    """Rows of a sparse matrix, each by its name: coefficients of variables, and the right side.

    >>> rows = Rows()
    >>> rows.add("room", 8.0)
    >>> rows.put("room", 1, 2.0)
    >>> rows.matrix(3).toarray().tolist(), rows.right
    ([[0.0, 2.0, 0.0]], [8.0])
    """

    places: dict[object, int] = field(default_factory=dict)
    entries: list[tuple[int, int, float]] = field(default_factory=list)
    right: list[float] = field(default_factory=list)

    def add(self, name: object, right: float) -> None:
        """A row of no coefficients yet."""
        self.places[name] = len(self.right)
        self.right.append(right)

    def put(self, name: object, variable: int, value: float) -> None:
        """A coefficient of a row."""
        self.entries.append((self.places[name], variable, value))

    def matrix(self, width: int) -> sparse.csr_matrix:
        """All rows; coefficients of one place add up."""
        table = np.array(self.entries, dtype=float).reshape(-1, 3)
        places = (table[:, 0].astype(int), table[:, 1].astype(int))
        return sparse.csr_matrix((table[:, 2], places), shape=(len(self.right), width))
