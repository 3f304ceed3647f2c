"""What is known: quantities, machines and models, each figure with its source."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.named import Named, hardware_of, model_of
from steptime.model.api.shown import Shown
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware
from steptime.model.errors import UserError
from steptime.model.parse import path_of, text_of
from steptime.model.phases.accounts import accounts_of
from steptime.model.quantity import Quantity
from steptime.model.text.catalogue import entry_json, entry_table, list_json, list_table
from steptime.model.text.schemas import VERSIONS, text_of_schema


def quantities(text: str = "") -> tuple[Quantity, ...]:
    """Quantities whose name or meaning contains a text: each with symbol, unit, LaTeX, meaning and sane range.

    >>> import steptime as st
    >>> [one.name for one in st.quantities("memory_bandwidth")]
    ['memory_bandwidth']
    """
    from steptime.derivations.library import quantities as declared  # those of the chapters among them

    known, text = declared().values(), text_of(text, "`text`")
    exact = tuple(one for one in known if one.name == text)
    return exact or tuple(one for one in known if text.lower() in f"{one.name} {one.meaning}".lower())


def hardware(name: Named) -> Hardware:
    """A machine by catalogue name or file; raises UserError with the best matches.

    >>> import steptime as st
    >>> st.hardware("h100").peak("fp8")
    1979000000000000.0
    """
    return hardware_of(name)


def architecture(name: Named) -> Transformer:
    """A model's architecture by catalogue name or configuration file.

    >>> import steptime as st
    >>> st.architecture("llama-3.3-70b").parameters
    70553706496
    """
    found = accounts_of(model_of(name))
    if not found.is_architecture:
        raise UserError(f"{found.name} is a list of quantities: it has no architecture")
    shapes: Transformer = found.model
    return shapes


def schemas(name: str | None) -> str:
    """One schema as it is published, or the names and versions of all."""
    if name is not None:
        return text_of_schema(name)
    return "".join(f"{one} {version}\n" for one, version in VERSIONS.items())


@dataclass(frozen=True)
class Catalogue(Shown):
    """The list of machines or models, or one entry with the source and date of every figure."""

    schema: ClassVar[str] = "catalog"
    kind: str
    name: str | None = None

    def _json(self) -> dict[str, Any]:
        return list_json(self.kind) if self.name is None else entry_json(self.kind, self.name)

    def table(self) -> Group:
        return list_table(self.kind) if self.name is None else entry_table(self.kind, self.name)


def catalogue(kind: str, name: str | None = None) -> Catalogue:
    """Machines (``hardware``) or ``models``: all of them, or one by name or file."""
    if not isinstance(kind, str) or kind not in ("hardware", "models"):
        raise UserError(f"`kind` {str(kind)[:40]!r}: hardware or models")
    return Catalogue(kind, None if name is None else str(path_of(name, "`name`")))
