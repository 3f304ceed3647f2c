"""Figures of economics: laws of loss, a model's life, prices of tokens, tiers of memory; each with source and date."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from steptime.model.catalog.files import Tables
from steptime.model.catalog.hardware import Figure
from steptime.model.catalog.table import Place, read, record
from steptime.model.errors import unknown

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
