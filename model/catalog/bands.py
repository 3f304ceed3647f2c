"""How far measured steps lay from the estimate, of rows that a fit had not seen; and of which rows that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ALL = "all"
"""The band of all rows."""


@dataclass(frozen=True)
class Band:
    """Between which shares of the estimate eight in ten measured times lay, of rows that the fit had not seen; of how
    many rows, in how many groups of one model, machine and serving stack; and how many rows are of each model, machine
    and family of machines, where a file says so."""

    low: float
    high: float
    rows: int
    groups: int
    models: Mapping[str, int] = field(default_factory=dict)
    machines: Mapping[str, int] = field(default_factory=dict)
    families: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """The band of a step, by its name, and what it rests on. ``of_machine`` and ``of_family``: how many rows of its
    kind of model are of its machine, and of the family; None where a file does not say. ``low`` and ``high``: its ends,
    further apart than the band's where no row is of the machine."""

    name: str
    band: Band
    low: float
    high: float
    of_machine: int | None = None
    of_family: int | None = None

    @property
    def wider(self) -> bool:
        """Whether it is wider than its band: by how far machines lay off that a fit had not seen."""
        return self.low < self.band.low or self.high > self.band.high


def nearest(bands: Mapping[str, Band], kind: str, family: str | None) -> tuple[str, Band]:
    """The nearest band: of this kind of model on this family, else of the kind, else of all rows."""
    name = next(name for name in (f"{kind} on {family}", kind, ALL) if name in bands)
    return name, bands[name]


def evidence(
    bands: Mapping[str, Band], unseen: Mapping[str, Band], kind: str, family: str | None, machine: str
) -> Evidence:
    """The band of a kind of model on a machine. ``unseen``: bands of rows whose machine the fit had not seen, each
    machine counted alike.

    A machine without rows of the kind gets the wider of its band and of theirs: of the kind's, and where no row of the
    kind is of the family either, of all kinds'.

    >>> seen = Band(0.9, 1.1, 10, 4, {"a": 10}, {"h100": 10}, {"hopper": 10})
    >>> others = {"all": Band(0.7, 1.3, 10, 3), "dense": Band(0.8, 1.2, 10, 3)}
    >>> [evidence({"all": seen}, others, "dense", *where).low
    ...  for where in (("hopper", "h100"), ("hopper", "h20"), ("cdna3", "mi300x"))]
    [0.9, 0.8, 0.7]
    """
    name, band = nearest(bands, kind, family)
    of_kind = bands.get(kind, bands[ALL])
    if not of_kind.machines:
        return Evidence(name, band, band.low, band.high)
    on_machine, on_family = of_kind.machines.get(machine, 0), of_kind.families.get(family or "", 0)
    others = [] if on_machine or not unseen else [unseen.get(kind) or unseen[ALL]]
    others += [unseen[ALL]] if others and not on_family else []
    low, high = min(one.low for one in (band, *others)), max(one.high for one in (band, *others))
    return Evidence(name, band, low, high, on_machine, on_family)
