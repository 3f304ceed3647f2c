"""A model known by its quantities only: what the blackboard needs, with no architecture behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class AbstractModel:
    """``values``: base-unit value of each quantity that the file states; what it leaves out follows from these
    (active_parameters and parameters_read are then parameters). ``precision``: the weights' format, None where the file
    says nothing. ``origin``: the file, for messages.
    """

    name: str
    origin: str
    values: Mapping[str, float] = field(hash=False)
    precision: str | None = None
    notices: tuple[str, ...] = ()
