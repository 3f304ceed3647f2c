"""What a figure of the catalogue must say of itself: where it comes from, when, how good it is, and who disagrees."""

import math
import re
from collections.abc import Collection, Iterator

from steptime.model.catalog.hardware import CATALOGUE, Figure, Hardware, sources

GRADES = ("A", "B", "C", "D")
ROUNDING = 0.02
"""Relative; published figures are rounded to two or three digits."""

_date = re.compile(r"20\d\d(-\d\d){0,2}")


def keyed(hardware: Hardware) -> Iterator[tuple[str, Figure]]:
    """Every figure of a machine under the key that states it."""
    yield from ((f"peak_flops.{precision}", figure) for precision, figure in hardware.peaks.items())
    yield from hardware.figures.items()
    yield from hardware.facts.items()
    yield from ((f"prices.{basis}", figure) for basis, figure in hardware.prices.items())


def undocumented(hardware: Hardware) -> Iterator[str]:
    """What a figure lacks of source, date, grade and doubt, and a conflict of them; one line each."""
    known = sources()
    for key, figure in keyed(hardware):
        if not (math.isfinite(figure.value) and figure.value > 0):
            yield f"{key} is {figure.value}, expected a positive, finite number"
        if not figure.source:
            yield f"{key} has no source"
        if hardware.origin == CATALOGUE:
            yield from (f"{key} has an unknown source {source}" for source in figure.source if source not in known)
            if not _date.fullmatch(figure.date):
                yield f"{key} has no date of the form 2026, 2026-05 or 2026-05-18"
            if figure.grade not in GRADES:
                yield f"{key} has no grade of A, B, C, D"
            is_price = key.endswith("price") or key.startswith("prices.")
            if not figure.doubtful and (figure.grade == "C" or "recalled" in figure.source or is_price):
                yield f"{key} is recalled or a price but not marked doubtful"
        yield from (f"{key}: {found}" for found in _disagreement(figure, known))
    if hardware.origin == CATALOGUE:
        yield from (f"unknown source {source}" for source in hardware.described_by if source not in known)


def _disagreement(figure: Figure, known: Collection[str]) -> Iterator[str]:
    """What others say must be documented too, must differ, and makes a figure doubtful unless by rounding alone."""
    for other in figure.conflicts:
        if not other.source or not set(other.source) <= set(known) or not _date.fullmatch(other.date):
            yield f"a conflict, {other.value:.4g}, has no known source or no date"
        if other.grade not in GRADES or other.value == figure.value:
            yield f"a conflict, {other.value:.4g}, has no grade or is none"
        if not figure.doubtful and not math.isclose(other.value, figure.value, rel_tol=ROUNDING):
            yield f"{', '.join(other.source)} has {other.value:.4g}, but the figure is not marked doubtful"
