"""What is known: quantities, machines and models, each figure with its source."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.named import Named, hardware_of, model_of
from steptime.model.api.shown import Shown
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measured_by import Source, sources
from steptime.model.errors import UserError
from steptime.model.parse import path_of, text_of
from steptime.model.phases.accounts import accounts_of
from steptime.model.quantity import Quantity
from steptime.model.text.catalogue import entry_json, list_json
from steptime.model.text.catalogue_table import entry_table, list_table
from steptime.model.text.records import records_csv
from steptime.model.text.schemas import VERSIONS, text_of_schema

ENTRIES, QUANTITIES, SOURCES = ("hardware", "models"), "quantities", "sources"
LISTED = (QUANTITIES, SOURCES)
"""Of what NAME is a word that is looked for."""


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
    """The list of machines, models, quantities or sources, or one entry with the source and date of every figure."""

    schema: ClassVar[str] = "catalog"
    kind: str
    name: str | None = None

    def csv(self) -> str:
        """The list with one row an entry, or the figures of one entry, in base units."""
        found = self.to_dict()
        if self.name is not None and self.kind not in LISTED:
            figures = found.get("figures") or {key: {"value": value} for key, value in found["quantities"].items()}
            return records_csv([{"name": key, **figure, "conflicts": len(figure.get("conflicts", ()))}
                                for key, figure in figures.items()])  # fmt: skip
        return records_csv(found[self.kind])

    def _json(self) -> dict[str, Any]:
        if self.name is None or self.kind in LISTED:
            return list_json(self.kind, self._known)
        return entry_json(self.kind, self.name)

    def table(self) -> Group:
        if self.name is None or self.kind in LISTED:
            return list_table(self.kind, self._known)
        return entry_table(self.kind, self.name)

    @property
    def _known(self) -> tuple[Quantity, ...] | tuple[Source, ...]:
        """Quantities or sources that are listed; raises UserError where none has the word."""
        if self.kind not in LISTED:
            return ()
        found = quantities(self.name or "") if self.kind == QUANTITIES else sources(self.name or "")
        if not found:
            what = "quantity has {} in its name or meaning" if self.kind == QUANTITIES else \
                "source has {} in its name or title"  # fmt: skip
            raise UserError(f"no {what.format(repr(str(self.name)[:40]))}")
        return found


def catalogue(kind: str, name: str | None = None) -> Catalogue:
    """Machines (``hardware``), ``models``: all of them, or one by name or file; ``quantities`` or ``sources``, with a
    word in them.

    >>> import steptime as st
    >>> [one["name"] for one in st.catalogue("quantities", "scale-up bandwidth").to_dict()["quantities"]]
    ['scale_up_bandwidth', 'link_energy']
    """
    if not isinstance(kind, str) or kind not in (*ENTRIES, *LISTED):
        raise UserError(f"`kind` {str(kind)[:40]!r}: hardware, models, quantities or sources")
    if kind in LISTED:
        return Catalogue(kind, None if name is None else text_of(name, "`name`"))
    return Catalogue(kind, None if name is None else str(path_of(name, "`name`")))
