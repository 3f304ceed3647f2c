"""What a step asks of a model, whether its architecture is known or only its quantities: one protocol, two answers.

This is the one place that tells the two kinds of model apart, and the phases of inference from training.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.activations import untrainable
from steptime.model.architecture.quantities import AbstractModel
from steptime.model.architecture.storage import Stored
from steptime.model.architecture.transformer import Attention, Layer, Transformer
from steptime.model.choices import Load, Split, Weight
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns, layouts
from steptime.model.layout.layout import SYMBOLIC, Degrees, Layout, impossible
from steptime.model.numeric import Spread
from steptime.model.phases.abstract import Quantities
from steptime.model.phases.by_hand import SLOTS, Books, ByHand
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.memory import Footprint, Room, footprints
from steptime.model.phases.phase import Phase
from steptime.model.phases.rooms import Rooms
from steptime.model.phases.traffic import ranks_meet
from steptime.model.phases.train import TrainPhase

if TYPE_CHECKING:
    from steptime.model.phases.train_ledger import TrainLedger

Model = Transformer | AbstractModel
Values = Mapping[Symbol, Any]

MOST_MODELS = 64
"""Models whose ledgers are remembered."""


class Held(Protocol):
    """Memory of the fullest chip for many layouts at once."""

    @property
    def reads(self) -> frozenset[Symbol]:
        """Quantities that enter, degrees among them."""

    def of(self, columns: Columns, rows: Any, values: Values, spread: Spread | None = None) -> np.ndarray:
        """Bytes, a row for each layout and a column for each batch."""

    def written(self, columns: Columns) -> tuple[Expr, dict[Symbol, np.ndarray]]:
        """Bytes as an expression, and a row for each layout of what differs from one to the next."""


class Accounts(Protocol):
    """What a step asks of a model; ``given`` are the numbers known beside the layout."""

    model: Any
    transformer: Transformer | None
    """The architecture, where one is known."""
    name: str
    origin: str
    precision: str | None
    notices: tuple[str, ...]
    stored: Mapping[Weight, Stored]
    """Kinds of weights that take other bytes than the format's."""
    activations: str | None
    kv: str | None
    """Formats that the model asks of multiply-adds and of the KV cache."""
    unstated: str
    """Why the format of the weights cannot be known, where it is known that there is one."""
    kinds: Mapping[Layer, int]
    """Layers of each kind; none where no architecture is known."""
    mixers: tuple[tuple[Attention, int], ...]
    layers: int
    experts: int
    tied: bool
    is_architecture: bool
    """Whether layouts are more than numbers of chips, and a step can be trained."""

    def stated(self) -> dict[Symbol, float]:
        """Quantities that the model itself states."""

    def left_out(self) -> Mapping[Symbol, str]:
        """What is taken for quantities that the model could state and does not."""

    def parameters(self, given: Values) -> float:
        """Weights that are stored."""

    def by_hand(self, given: Values) -> list[Symbol]:
        """Slots of the ledger that were set by hand."""

    def ledger(self, plan: Plan, phase: Phase, degrees: Degrees = SYMBOLIC, given: Values | None = None) -> Books:
        """The ledger of a phase."""

    def cache_definitions(self, phase: Phase, numbers: Values) -> Mapping[Symbol, Expr]:
        """What a phase reads and writes of a cache of which only the bytes per token are known."""

    def footprints(self, layout: Layout, plan: Plan, phase: Phase, given: Values, whole: bool) -> tuple[Footprint, ...]:
        """What a chip of each distinct stage holds; with ``whole`` sequences on the fullest rank."""

    def rooms(self, plan: Plan, phase: Phase, given: Values | None = None) -> Held:
        """What the fullest chip holds, for many layouts at once."""

    def layouts(self, chips: int) -> Columns | None:
        """Every layout of one replica, each context whole and dense blocks split by tp; None where there is none."""

    def refusal(self, layout: Layout) -> str | None:
        """Why a layout cannot run the model, or None."""

    def meets(self, layout: Layout) -> bool:
        """Whether the data-parallel ranks of a replica wait for each other in a step."""

    def has_network(self, given: Values) -> bool:
        """Whether anything says what crosses the links."""


class Architecture:
    """The accounts of a transformer: its own ledger, row by row."""

    is_architecture = True

    def __init__(self, model: Transformer) -> None:
        self.model = self.transformer = model
        self.name, self.origin, self.precision, self.notices = model.name, model.name, model.precision, model.notices
        self.stored, self.unstated = dict(model.stored), model.unstated
        self.activations, self.kv = model.activations, model.kv
        self.kinds, self.mixers, self.layers = model.kinds, tuple(model.mixers), len(model.layers)
        self.experts, self.tied = model.experts, model.tied
        self._ledgers: dict[Any, Books] = {}
        self._footprints: dict[Any, tuple[Footprint, ...]] = {}

    def stated(self) -> dict[Symbol, float]:
        return {}

    def left_out(self) -> Mapping[Symbol, str]:
        return {}

    def parameters(self, given: Values) -> float:
        return float(self.model.parameters)

    def by_hand(self, given: Values) -> list[Symbol]:
        return sorted(SLOTS & set(given), key=lambda symbol: symbol.name)

    def ledger(self, plan: Plan, phase: Phase, degrees: Degrees = SYMBOLIC, given: Values | None = None) -> Books:
        if isinstance(phase, TrainPhase):
            plan = replace(plan, load=Load.MEAN)  # a micro-batch is whole on every rank
        key = (plan, phase, degrees)
        if key not in self._ledgers:
            self._ledgers[key] = ledger_of(self.model, plan, phase, degrees)
        found = self._ledgers[key]
        by_hand = SLOTS & found.slots.keys() & set(given or ())
        return ByHand(found, plan, phase, by_hand) if by_hand else found

    def cache_definitions(self, phase: Phase, numbers: Values) -> Mapping[Symbol, Expr]:
        return {}

    def footprints(self, layout: Layout, plan: Plan, phase: Phase, given: Values, whole: bool) -> tuple[Footprint, ...]:
        own = self._own_cache(plan, phase, given)
        key = (layout, plan, phase, whole, own)
        if key not in self._footprints:
            self._footprints[key] = footprints(self.model, layout, whole, phase, plan, room_of(phase), own)
        return self._footprints[key]

    def rooms(self, plan: Plan, phase: Phase, given: Values | None = None) -> Held:
        return Rooms(self.model, plan, phase, room_of(phase), self._own_cache(plan, phase, given or {}))

    def _own_cache(self, plan: Plan, phase: Phase, given: Values) -> Expr | None:
        """Bytes of a token of context that the architecture itself would have, where others are set."""
        return self.ledger(plan, phase).slots[q.kv_bytes] if q.kv_bytes in given else None

    def layouts(self, chips: int) -> Columns | None:
        try:
            return layouts(self.model, [chips], {"cp": 1, "replicas": 1, "ffn": Split.TENSOR})
        except UserError:
            return None

    def refusal(self, layout: Layout) -> str | None:
        return impossible(layout, self.model)

    def meets(self, layout: Layout) -> bool:
        return ranks_meet(self.model, layout.ffn)

    def has_network(self, given: Values) -> bool:
        return True


_made: dict[int, Accounts] = {}


def accounts_of(model: Model) -> Accounts:
    """The accounts of either kind of model, made once: its ledgers and footprints are remembered with them."""
    found = _made.get(id(model))
    if found is None or found.model is not model:
        kinds: dict[type, Any] = {Transformer: Architecture, AbstractModel: Quantities}
        if type(model) not in kinds:
            raise UserError(f"`model`: expected a name, a file or an architecture, got {type(model).__name__}")
        if len(_made) >= MOST_MODELS:
            _made.clear()
        found = _made[id(model)] = kinds[type(model)](model)
    return found


def ledger_of(model: Transformer, plan: Plan, phase: Phase, degrees: Degrees = SYMBOLIC) -> "Ledger | TrainLedger":
    """The ledger of a phase for an architecture."""
    if isinstance(phase, TrainPhase):
        from steptime.model.phases.train_ledger import TrainLedger

        if what := untrainable(model):
            raise UserError(f"{model.name}: training is not modelled for {what}")
        if any(layer.shared for layer in model.kinds):
            why = "which stages sum the gradients of what they share, and how often, is left open"
            raise UserError(f"{model.name}: training is not modelled where layers share weights: {why}")
        return TrainLedger(model, plan, phase, degrees)
    return Ledger(model, plan, degrees, phase)


def room_of(phase: Phase) -> type[Room]:
    """What a chip must hold in a phase."""
    if isinstance(phase, TrainPhase):
        from steptime.model.phases.train_memory import TrainRoom

        return TrainRoom
    return Room
