"""What a question names: a catalogue entry, a file, or the object itself."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from steptime.model.catalog.hardware import Hardware, find_hardware, is_machine, load_hardware
from steptime.model.catalog.models import is_model, load_model
from steptime.model.errors import Swapped, UserError
from steptime.model.parse import path_of
from steptime.model.phases.accounts import Model, accounts_of

if TYPE_CHECKING:  # a step alone needs neither
    from steptime.model.catalog.prices import PriceList
    from steptime.model.catalog.tiers import Tier

Named = PathLike[str] | str


def model_of(model: Model | Named) -> Model:
    """A model, or that of a catalogue name or file."""
    if isinstance(model, str | PathLike):
        name = str(model)
        if (machine := find_hardware(name)) and not is_model(name):
            raise UserError(f"`model` {name!r} is hardware, {machine} of the catalogue, and no model")
        return load_model(name)
    found: Model = accounts_of(model).model
    return found


def hardware_of(hardware: Hardware | Named) -> Hardware:
    """A machine, or that of a catalogue name or file."""
    if isinstance(hardware, str | PathLike):
        name = str(hardware)
        if is_model(name) and not is_machine(name):
            raise UserError(f"`hardware` {name!r} is a model and no machine")
        return load_hardware(name)
    if not isinstance(hardware, Hardware):
        raise UserError(f"`hardware`: expected a name, a file or a machine, got {type(hardware).__name__}")
    return hardware


def must_not_be_swapped(model: object, machines: Sequence[object]) -> None:
    """Raises Swapped where the model is a machine and one of the machines is a model; what is neither is left to those
    that read it."""
    if not isinstance(model, str | PathLike) or not is_machine(str(model)):
        return
    names = [str(machine) for machine in machines if isinstance(machine, str | PathLike)]
    if strayed := next((name for name in names if is_model(name)), None):
        raise Swapped(model=strayed, hardware=str(model))


def prices_of(prices: "PriceList | Named") -> "PriceList":
    """A price list, that of a file, or that of an example."""
    from steptime.model.catalog.examples import PRICES, named_or_own
    from steptime.model.catalog.prices import PriceList, read_prices

    return prices if isinstance(prices, PriceList) else read_prices(named_or_own(path_of(prices, "`prices`"), PRICES))


def tiers_of(tiers: "Sequence[Tier] | Named | None") -> "tuple[Tier, ...]":
    """Tiers of memory, those of a file, or the catalogue's."""
    from steptime.model.catalog.tiers import Tier, catalogue_tiers, read_tiers

    if tiers is None:
        return catalogue_tiers()
    if not isinstance(tiers, list | tuple):
        return read_tiers(path_of(tiers, "`tiers`"))
    if strangers := [one for one in tiers if not isinstance(one, Tier)]:
        raise UserError(f"`tiers`: expected a file, or tiers, got {type(strangers[0]).__name__}")
    return tuple(tiers)
