"""A number of the catalogue with where it comes from, and what others say instead."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Conflict:
    """What another source says of the same figure, in the same unit; ``source``, ``date``, ``grade`` as of a Figure."""

    value: float
    source: tuple[str, ...]
    date: str
    grade: str
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """One number in base units with its provenance.

    ``source``: keys of ``sources()``, or the path of a user's file. ``date``: of the source's state, ISO, to the day,
    month or year; empty for a user's file. ``grade``: A vendor, B secondary, C recalled, D arithmetic on other figures.
    ``doubtful``: sources disagree, or it is a price, recalled, or from before release. ``basis``: of a price and of
    power, what kind it is (`Basis`, `Draw`); empty where nothing says so. ``conflicts``: what other sources say, shown
    and not used.

    >>> Figure(22e12, ("MLE",), "2026-08-22", "B", doubtful=True).conflicts
    ()
    """

    value: float
    source: tuple[str, ...] = ()
    date: str = ""
    grade: str = ""
    note: str = ""
    doubtful: bool = False
    basis: str = ""
    conflicts: tuple[Conflict, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of the figure and of what is said instead.

        >>> Figure(22e12, ("MLE",), conflicts=(Conflict(19.16e12, ("AISIM",), "2026-11", "C"),)).sources
        ('MLE', 'AISIM')
        """
        return (*self.source, *(key for other in self.conflicts for key in other.source))
