"""Names that a shell completes: of models, machines, quantities and derivations."""

from collections.abc import Iterable

from steptime.model.errors import UserError


def names_of(kind: str, beginning: str = "") -> list[str]:
    """Names of a kind that begin so: ``models``, ``hardware``, ``quantities`` or ``derivations``.

    >>> names_of("hardware", "h100-p")
    ['h100-pcie']
    >>> names_of("quantities", "memory_band")[:2]
    ['memory_bandwidth', 'memory_bandwidth_price']
    """
    return [name for name in _every(kind) if name.startswith(beginning)]


def _every(kind: str) -> Iterable[str]:
    if kind == "models":
        from steptime.model.catalog.transformers import transformer_names

        return transformer_names()
    if kind == "hardware":
        from steptime.model.catalog.hardware import hardware_names

        return hardware_names()
    if kind == "quantities":
        from steptime.derivations.library import quantities

        return quantities()
    if kind == "derivations":
        from steptime.derivations.library import derivations

        return [one.name for one in derivations()]
    if kind == "sources":
        from steptime.model.catalog.measured_by import sources

        return [one.name for one in sources()]
    raise UserError(f"`kind` {kind[:40]!r}: models, hardware, quantities or derivations")
