"""Figures of economics: laws of loss, a model's life, prices of tokens, tiers of memory; each with source and date."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from sympy import Symbol

from steptime.model.catalog.files import Tables
from steptime.model.catalog.hardware import Figure
from steptime.model.catalog.table import Place, read, record
from steptime.model.errors import unknown
from steptime.model.symbols import link_bandwidth, tier_bandwidth, tier_capacity, tier_second_price

CATALOGUE = "model/catalog/economy.toml"
_catalogue = Tables("economy.toml")


@cache
def figures(*path: str) -> Mapping[str, Figure]:
    """The figures of one table, by name; raises UserError with the best matches for an unknown one.

    >>> figures("loss_law", "chinchilla")["size_exponent"].value
    0.34
    """
    table: Mapping[str, Any] = _catalogue
    for part in path:
        if part not in table:
            raise unknown("table of economy.toml", part, list(table))
        table = table[part]
    return MappingProxyType(read({str: record(Figure)}, table, Place(CATALOGUE, ".".join(path))))


def names(group: str) -> tuple[str, ...]:
    """The tables of one group, in order.

    >>> names("tier")
    ('ddr', 'nvme', 'disk')
    """
    return tuple(_catalogue[group])


def number(*path: str) -> float:
    """One figure in base units.

    >>> number("life", "service_life") / 86400
    60.9
    """
    return figures(*path[:-1])[path[-1]].value


def sources() -> Mapping[str, Mapping[str, str]]:
    """What each source key stands for: title and date."""
    found: Mapping[str, Mapping[str, str]] = _catalogue["sources"]
    return found


def tier(name: str) -> Mapping[Symbol, float]:
    """Capacity, bandwidth, link and price per second of a tier of the catalogue.

    >>> tier("ddr")[link_bandwidth]
    55400000000.0
    """
    row = {key: float(figure.value) for key, figure in figures("tier", name).items()}
    return {
        tier_capacity: row["capacity"],
        tier_bandwidth: row["bandwidth"],
        link_bandwidth: row["link"],
        tier_second_price: row["dollars_per_byte"] * row["capacity"] / number("tier_life", "years"),
    }


def loss_law(fit: str) -> Mapping[Symbol, float]:
    """The constants of one fit of the loss law: chinchilla or besiroglu.

    >>> loss_law("besiroglu")[Symbol("data_exponent", positive=True)]
    0.3658
    """
    return {Symbol(key, positive=True): figure.value for key, figure in figures("loss_law", fit).items()}
