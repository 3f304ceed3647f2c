"""What is known: quantities, machines and models, each figure with its source."""

from typing import Any

from rich.console import Group

import steptime.model.symbols  # noqa: F401  declares the quantities
from steptime.model.api.shown import Shown
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware, load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.errors import UserError
from steptime.model.phases.accounts import accounts_of
from steptime.model.quantity import Quantity, declared
from steptime.model.text.catalogue import entry_json, entry_table, list_json, list_table


def quantities(text: str = "") -> tuple[Quantity, ...]:
    """Quantities whose name or meaning contains a text: each with symbol, unit, LaTeX, meaning and sane range.

    >>> import steptime as st
    >>> [one.name for one in st.quantities("memory_bandwidth")]
    ['memory_bandwidth']
    """
    known = declared().values()
    exact = tuple(one for one in known if one.name == text)
    return exact or tuple(one for one in known if text.lower() in f"{one.name} {one.meaning}".lower())


def hardware(name: str) -> Hardware:
    """A machine by catalogue name or file; raises UserError with the best matches.

    >>> import steptime as st
    >>> st.hardware("h100").peak("fp8")
    1979000000000000.0
    """
    return load_hardware(name)


def architecture(name: str) -> Transformer:
    """A model's architecture by catalogue name or configuration file.

    >>> import steptime as st
    >>> st.architecture("llama-3.3-70b").parameters
    70553706496
    """
    found = accounts_of(load_model(name))
    if not found.is_architecture:
        raise UserError(f"{found.name} is a list of quantities: it has no architecture")
    shapes: Transformer = found.model
    return shapes


class Catalogue(Shown):
    """The list of machines or models, or one entry with the source and date of every figure."""

    def __init__(self, kind: str, name: str | None = None) -> None:
        self.kind, self.name = kind, name

    def _json(self) -> dict[str, Any]:
        return list_json(self.kind) if self.name is None else entry_json(self.kind, self.name)

    def table(self) -> Group:
        return list_table(self.kind) if self.name is None else entry_table(self.kind, self.name)


def catalogue(kind: str, name: str | None = None) -> Catalogue:
    """Machines (``hardware``) or ``models``: all of them, or one by name or file."""
    if kind not in ("hardware", "models"):
        raise UserError(f"`kind` {kind!r}: hardware or models")
    return Catalogue(kind, name)
