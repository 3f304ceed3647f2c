"""Prices of one kind: what a chip-hour costs on each basis that a machine has a figure for, and the basis on which
several machines can be compared.

A rent beside an estimate of cost, or a list price, says more about the seller than about the machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from steptime.model import symbols as q
from steptime.model.catalog.hardware import CATALOGUE, Figure, Hardware
from steptime.model.choices import Basis
from steptime.model.errors import UserError

PRICE = q.chip_hour_price.name
NOT_STATED, BY_HAND = "not stated", "set by hand"
"""What a price of no basis is called: one of a file that does not say, and one that was set."""


def prices_of(machine: Hardware) -> Mapping[str, Figure]:
    """Dollars of a chip-hour by basis; first the one that is taken where none is asked for, under "" if it states none.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> {basis: figure.value for basis, figure in prices_of(load_hardware("gb200-nvl72")).items()}
    {'estimate': 3.2, 'rent': 2.6, 'ownership': 2.26}
    """
    own = machine.figures.get(PRICE)
    return {**({own.basis: own} if own else {}), **machine.prices}


def priced(machine: Hardware, basis: Basis | None) -> Hardware:
    """The machine at its price of a basis; raises UserError where it has none, naming those that it has.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> priced(load_hardware("gb200-nvl72"), Basis.RENT).figures["chip_hour_price"].value
    2.6
    >>> priced(load_hardware("tpuv4"), Basis.RENT)
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: `basis` rent: model/catalog/hardware.toml: [tpuv4] has no such price; it has list
    """
    if basis is None:
        return machine
    known = prices_of(machine)
    if basis not in known:
        has = ", ".join(one or "one of no stated basis" for one in known) or "none at all"
        where = f"{machine.origin}: [{machine.name}]" if machine.origin == CATALOGUE else machine.origin
        raise UserError(f"`basis` {basis}: {where} has no such price; it has {has}")
    return replace(machine, figures={**machine.figures, PRICE: known[basis]}, prices=known)


def kind_of(machine: Hardware, basis: Basis | None, by_hand: bool) -> str | None:
    """The kind of price of a chip-hour, at a basis where one is asked for; of one that is set ``by_hand`` the basis
    that was said with it. None where there is no price.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> kind_of(load_hardware("gb200-nvl72"), None, by_hand=False), kind_of(load_hardware("tpuv4"), None, by_hand=True)
    ('estimate', 'set by hand')
    """
    if by_hand:
        return str(basis or BY_HAND)
    figure = priced(machine, basis).figures.get(PRICE)
    return None if figure is None else figure.basis or NOT_STATED


def common_basis(machines: Sequence[Hardware]) -> Basis | None:
    """The basis on which machines can be compared, where the prices that they would take are of different kinds; None
    where those are of one kind, where no basis is common, and where a machine has no price, so that no dollars are
    compared. Of several a basis whose figures have one source.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> common_basis([load_hardware("gb200-nvl72"), load_hardware("b200-sxm")]).value
    'rent'
    >>> common_basis([load_hardware("gb200-nvl72"), load_hardware("h100-sxm")]).value  # two sources of rents
    'ownership'
    """
    every = [prices_of(machine) for machine in machines]
    if not all(every) or len({next(iter(prices)) for prices in every}) == 1:
        return None
    common = [basis for basis in Basis if all(basis in prices for prices in every)]
    of_one_source = [basis for basis in common if len({prices[basis].source for prices in every}) == 1]
    return next(iter((*of_one_source, *common)), None)


def compared(kinds: Sequence[tuple[str, str]], machines: Sequence[Hardware] = ()) -> list[str]:
    """What to know where dollars of machines stand beside each other, each machine with its kind of price: that they do
    not compare where they are of several; else what ``beside`` says of ``machines`` whose prices are their own.

    >>> compared([("h200-sxm", "rent"), ("tpuv5p", "list")])
    ['dollars of different kinds do not compare: h200-sxm rent, tpuv5p list']
    """
    if len({kind for _, kind in kinds}) > 1:
        return [f"dollars of different kinds do not compare: {', '.join(map(' '.join, kinds))}"]
    if kinds and machines:
        return beside(machines)
    return [f"dollars are of one kind: {kinds[0][1]}"] if kinds else []


def beside(machines: Sequence[Hardware]) -> list[str]:
    """What to know of prices of one kind that stand beside each other: by which rule they are of that kind, the market
    and date of each where there are several, and a rent that is below what owning the machine costs.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> b200, h200 = (priced(load_hardware(name), Basis.RENT) for name in ("b200-sxm", "h200-sxm"))
    >>> beside([b200, h200])[0].partition(", of ")[2]
    'several markets: b200-sxm INFX 2026-08, h200-sxm MERC 2026-05'
    """
    known = [(machine, machine.figures[PRICE]) for machine in dict.fromkeys(machines) if PRICE in machine.figures]
    found = []
    if len(known) > 1 and len({figure.basis for _, figure in known}) == 1 and known[0][1].basis:
        kind = f"dollars are of one kind: {known[0][1].basis}, which all of these have"
        if len(sources := {_market(figure) for _, figure in known}) == 1:
            found.append(f"{kind}, of one source ({sources.pop()})")
        else:
            found.append(f"{kind}, of several markets: {', '.join(f'{one.name} {_market(at)}' for one, at in known)}")
    for machine, figure in known:
        owned = machine.prices.get(Basis.OWNERSHIP)
        if figure.basis == Basis.RENT and owned is not None and figure.value < owned.value:
            found.append(f"doubtful: {machine.name} at a rent of ${figure.value:g}, below the ${owned.value:g} that "
                         f"owning it costs ({_market(owned)})")  # fmt: skip
    return found


def _market(figure: Figure) -> str:
    return f"{', '.join(figure.source)} {figure.date}".strip()
