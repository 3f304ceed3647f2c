"""What kind of dollars and joules an answer counts: every price and every energy names its basis."""

from typing import TYPE_CHECKING, Any

from steptime.model import symbols as q
from steptime.model.catalog.bases import BY_HAND, NOT_STATED, kind_of
from steptime.model.catalog.hardware import Figure
from steptime.model.choices import Basis, Draw
from steptime.model.step.case import Case
from steptime.model.text.format import si

if TYPE_CHECKING:  # a step alone needs no price list
    from steptime.model.catalog.prices import PriceList

YEAR = 365 * 86_400.0
"""Seconds; 43,800 hours are five of them."""


def price_basis(case: Case) -> str | None:
    """The kind of price behind the dollars (`Basis`); None where there is no price.

    A price that was set by hand is of the basis that was said with it.
    """
    if case.number(q.chip_hour_price) is None:
        return None
    return kind_of(case.hardware, case.inputs.basis, q.chip_hour_price in case.inputs.given)


def energy_basis(case: Case) -> str | None:
    """Whose watts the joules are (`Draw`); None where no power is known."""
    if case.number(q.power) is None:
        return None
    return BY_HAND if q.power in case.inputs.given else stated(case.hardware.figures[q.power.name])


def stated(figure: Figure) -> str:
    """The basis of a figure of a machine."""
    return figure.basis or NOT_STATED


def system_power(case: Case) -> float | None:
    """Watts of a chip with its share of the system, where the catalogue knows them."""
    figure = case.hardware.facts.get("system_power")
    return None if figure is None else figure.value


def bases_json(case: Case) -> dict[str, Any]:
    return {
        "price_basis": price_basis(case),
        "energy_basis": energy_basis(case),
        "system_power": system_power(case),
    }


def of_price(case: Case) -> str:
    """The kind of price, to follow dollars; one that somebody estimated is not the estimate of a step."""
    basis = price_basis(case)
    worded = "estimated price" if basis == Basis.ESTIMATE else _worded("price", basis or "")
    return "" if basis is None else f" ({worded})"


def of_power(case: Case) -> str:
    """Whose watts were counted, to follow joules, and whether those of a cap; and how many those of the system are
    without one, where both are known."""
    basis, system = energy_basis(case), system_power(case)
    if basis is None:
        return ""
    counted, rated = case.number(case.counted_power), case.number(q.power)
    is_capped = counted != rated
    chip = f"{_worded('power', basis)}, {si(counted, 'W')}{' by the cap' * is_capped}"
    both = system is not None and basis == Draw.CHIP
    return f" ({chip}; system {si(system, 'W')}{' uncapped' * is_capped})" if both else f" ({chip})"


def _worded(what: str, basis: str) -> str:
    return f"{what} {basis}" if basis in (NOT_STATED, BY_HAND) else basis


def of_list(prices: "PriceList") -> str:
    """What kind of prices a price list has, and over what time they are written off, to follow its name."""
    basis = prices.basis or f"basis {NOT_STATED}"
    return f"({basis}" + (f", written off over {prices.life / YEAR:.3g} years)" if prices.life else ")")
