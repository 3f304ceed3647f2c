"""Which ledger and which room belong to a phase: the one place that knows."""

from steptime.model.architecture.transformer import Transformer
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Degrees
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.memory import Room
from steptime.model.phases.phase import Phase
from steptime.model.phases.train import TrainPhase
from steptime.model.phases.train_ledger import TrainLedger
from steptime.model.phases.train_memory import TrainRoom


def ledger_of(model: Transformer, plan: Plan, phase: Phase, degrees: Degrees = SYMBOLIC) -> Ledger | TrainLedger:
    """The ledger of a phase for an architecture."""
    if isinstance(phase, TrainPhase):
        return TrainLedger(model, plan, phase, degrees)
    return Ledger(model, plan, degrees, phase)


def room_of(phase: Phase) -> type[Room]:
    """What a chip must hold in a phase."""
    return TrainRoom if isinstance(phase, TrainPhase) else Room
