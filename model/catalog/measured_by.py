"""What short names of sources stand for: who measured the rows of the catalogue, and who states its figures."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from steptime.model.catalog import economy, hardware
from steptime.model.catalog.files import Tables
from steptime.model.catalog.measurement import catalogue, family_of
from steptime.model.catalog.table import Place, read, record

FILE = "measured_by.toml"
FIGURES = "figures of machines"
ECONOMICS = "figures of economics"
ROWS = "measurements"
"""Of what a source is one."""


@dataclass(frozen=True)
class MeasuredBy:
    """Who measured, and where it stands."""

    title: str
    link: str


@dataclass(frozen=True)
class Source:
    """A short name written out: of what it is a source, how many rows it has in the catalogue, its link or its date."""

    name: str
    title: str
    of: str
    rows: int | None = None
    link: str | None = None
    date: str | None = None


@cache
def measured_by() -> Mapping[str, MeasuredBy]:
    """Who measured the catalogue's rows, by the identifier of a row without its number.

    >>> measured_by()["SIL"].link
    'https://github.com/ai-dynamo/aiconfigurator'
    """
    found: Mapping[str, MeasuredBy] = read({str: record(MeasuredBy)}, dict(Tables(FILE)), Place(FILE))
    return found


def sources(word: str = "") -> tuple[Source, ...]:
    """Every source of measurements, of machines' figures and of economics whose name is a word, else that contains it.

    >>> [(one.name, one.of) for one in sources("sil")]
    [('SIL', 'measurements')]
    """
    rows = Counter(family_of(row.id) for row in catalogue())
    found = [Source(name, one.title, ROWS, rows[name], one.link) for name, one in measured_by().items()]
    for of, known in ((FIGURES, hardware.sources()), (ECONOMICS, economy.sources())):
        found += [Source(name, one["title"], of, None, None, one.get("date")) for name, one in known.items()]
    asked = word.lower()
    exact = tuple(one for one in found if one.name.lower() == asked)
    return exact or tuple(one for one in found if asked in f"{one.name} {one.title}".lower())
