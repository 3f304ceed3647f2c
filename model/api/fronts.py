"""A search on each machine alone, so that each has its own front; dollars are of one kind."""

from collections.abc import Callable, Sequence
from typing import Any

from steptime.model.api.named import Named, hardware_of
from steptime.model.api.search import Found, search
from steptime.model.catalog.bases import common_basis
from steptime.model.catalog.hardware import Hardware
from steptime.model.phases.accounts import Model
from steptime.model.step.words import inputs_of

Progress = Callable[[float], None]


def fronts(
    model: Model | Named, hardware: Sequence[Hardware | Named], chips: Any, progress: Callable[[str], Progress],
    basis: Any = None, **words: Any,
) -> list[Found]:  # fmt: skip
    """What ``search`` finds on each machine, at prices of a basis that all of them have, where there is one.

    >>> import steptime as st
    >>> found = fronts("llama-3.1-8b", ["h100-sxm", "b200-sxm"], 1, lambda name: lambda share: None, batch=[8, 64])
    >>> [one.best.question.inputs.basis.value for one in found]
    ['list', 'list']
    """
    machines = list(dict.fromkeys(hardware_of(machine) for machine in hardware))
    priced = basis is None and "chip_hour_price" not in words
    shared = common_basis(machines) if priced else inputs_of({"basis": basis} if basis else {}).basis
    more: dict[str, Any] = {} if shared is None else {"basis": shared}
    return [search(model, one, chips, progress=progress(f"layouts on {one.name}"), **more, **words) for one in machines]
