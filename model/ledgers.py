"""Which ledger and which room belong to a phase: the one place that knows."""

from steptime.model.layout import SYMBOLIC, Degrees
from steptime.model.ledger import Ledger
from steptime.model.memory import Room
from steptime.model.phase import Phase
from steptime.model.plan import Plan
from steptime.model.train import TrainPhase
from steptime.model.train_ledger import TrainLedger
from steptime.model.train_memory import TrainRoom
from steptime.model.transformer import Transformer


def ledger_of(model: Transformer, plan: Plan, phase: Phase, degrees: Degrees = SYMBOLIC) -> Ledger | TrainLedger:
    """The ledger of a phase for an architecture."""
    if isinstance(phase, TrainPhase):
        return TrainLedger(model, plan, phase, degrees)
    return Ledger(model, plan, degrees, phase)


def room_of(phase: Phase) -> type[Room]:
    """What a chip must hold in a phase."""
    return TrainRoom if isinstance(phase, TrainPhase) else Room
