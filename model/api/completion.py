"""Names that a shell completes: of models, machines, quantities and derivations."""

from steptime.model.errors import UserError


def names_of(kind: str, beginning: str = "") -> list[str]:
    """Names of a kind that begin so: ``models``, ``hardware``, ``quantities`` or ``derivations``.

    >>> names_of("hardware", "h100")
    ['h100-sxm', 'h100-pcie']
    >>> names_of("quantities", "memory_band")[:2]
    ['memory_bandwidth', 'memory_bandwidth_price']
    """
    if kind == "models":
        from steptime.model.catalog.transformers import transformer_names as every
    elif kind == "hardware":
        from steptime.model.catalog.hardware import hardware_names as every
    elif kind == "quantities":
        from steptime.derivations.library import quantities

        return [name for name in quantities() if name.startswith(beginning)]
    elif kind == "derivations":
        from steptime.derivations.library import derivations

        return [one.name for one in derivations() if one.name.startswith(beginning)]
    else:
        raise UserError(f"`kind` {kind[:40]!r}: models, hardware, quantities or derivations")
    return [name for name in every() if name.startswith(beginning)]
