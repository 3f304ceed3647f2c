"""Hardware on offer, as a demand states it: prices of one kind, watts of a whole system, sizes of a group."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steptime.model import symbols as q
from steptime.model.api.named import hardware_of
from steptime.model.api.sweep_scenes import beside
from steptime.model.catalog.bases import beside as prices_beside
from steptime.model.catalog.bases import common_basis, priced, prices_of
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.table import Place
from steptime.model.choices import Basis
from steptime.model.solver.fleet.demand import HOUR, Link, Option, Role

MOST_OPTIONS, USUAL_SIZE = 100, 32


def options_of(
    stated: Sequence[Mapping[str, Any]], folder: Path | None, place: Place
) -> tuple[tuple[Option, ...], tuple[str, ...]]:
    """Every option, and what is to be known of their prices and watts. Raises UserError."""
    if not 1 <= len(stated) <= MOST_OPTIONS:
        raise place.error(f"give one to {MOST_OPTIONS} [[hardware]]")
    machines = [hardware_of(beside(one["name"], folder)) for one in stated]
    names = [machine.name for machine in machines]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise place.error(f"hardware {twice} is stated twice")
    unsaid = [machine for machine, one in zip(machines, stated, strict=True) if not {"price", "basis"} & one.keys()]
    common = common_basis(unsaid)
    notices, found, kinds = [], [], set[str]()
    for machine, one in zip(machines, stated, strict=True):
        basis = Basis(one["basis"]) if "basis" in one else common
        there = priced(machine, basis) if basis is not None and "price" not in one else machine
        figure = there.figures.get(q.chip_hour_price.name)
        price = one.get("price", None if figure is None else figure.value / HOUR)
        kinds.add(str(basis or (("as stated" if "price" in one else figure.basis if figure else None) or "unknown")))
        power, notice = _power(machine, one)
        notices += notice
        found.append(Option(
            there, price, power, one.get("stock"), tuple(sorted(set(one.get("sizes", _sizes(machine))))),
            tuple(Role(role) for role in one.get("roles", tuple(Role))), _rent(machine, one, place),
        ))  # fmt: skip
    stood = [option.hardware for option, one in zip(found, stated, strict=True) if "price" not in one]
    notices += prices_beside(stood)
    if len(kinds) > 1:
        notices.append(f"prices of different kinds are compared: {', '.join(sorted(kinds))}")
    return tuple(found), tuple(notices)


def _power(machine: Hardware, one: Mapping[str, Any]) -> tuple[float | None, list[str]]:
    """Watts of a chip with all that serves it, where they are known."""
    if "power" in one:
        return float(one["power"]), []
    if "system_power" in machine.facts:
        return machine.facts["system_power"].value, []
    figure = machine.figures.get(q.power.name)
    if figure is None:
        return None, []
    said = f"{machine.name}: {figure.value:g} W are the chip's alone; `power` states those of its share of a system"
    return figure.value, [said]


def _sizes(machine: Hardware) -> tuple[int, ...]:
    """Chips of a group where none are stated: powers of two to 32, and a whole domain."""
    domain = machine.figures.get(q.scale_up_domain.name)
    powers = [2**n for n in range(USUAL_SIZE.bit_length())]
    return (*powers, *([int(domain.value)] if domain and 1 < domain.value <= 4 * USUAL_SIZE else []))


def _rent(machine: Hardware, one: Mapping[str, Any], place: Place) -> float | None:
    """Dollars a second of a chip that is taken for one period."""
    if "rent" in one:
        return float(one["rent"])
    if not one.get("rented"):
        return None
    known = prices_of(machine)
    if Basis.RENT not in known:
        raise Place(place.file, f"hardware {machine.name}").error(
            f"rented: {machine.missing('rent')} has no price; state rent"
        )
    return known[Basis.RENT].value / HOUR


def links_of(
    stated: Sequence[Mapping[str, Any]] | None, options: Sequence[Option], place: Place
) -> tuple[Link, ...] | None:
    """The pairs of options that may hand caches over to each other; None where every pair may."""
    if stated is None:
        return None
    names = {option.name for option in options}
    found = []
    for one in stated:
        if len(one["between"]) != 2 or not set(one["between"]) <= names:
            raise Place(place.file, "link").error(f"between: two of {', '.join(sorted(names))}")
        found.append(Link((one["between"][0], one["between"][1]), one.get("bandwidth")))
    return tuple(found)
