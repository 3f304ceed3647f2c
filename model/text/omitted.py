"""What an answer leaves out, each line true for its very scenario; and what a catalogue or a configuration remarks."""

from steptime.model import symbols as q
from steptime.model.architecture.state_space import parts
from steptime.model.architecture.transformer import GroupedAttention, LatentAttention, RecurrentMixer
from steptime.model.choices import Format, Overlap, PhaseName, Scope
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of

IN_PRACTICE = " (but in the estimate)"
"""What a bound leaves out and an estimate has."""
HIDDEN = {Overlap.FULL: "all of them behind compute", Overlap.PER_OPERATION: "none behind other operations",
          Overlap.NONE: "none"}  # fmt: skip
"""What each overlap lets collectives do; the truth of a training step lies between full and none."""


def not_modelled(case: Case, has_estimate: bool = True) -> list[str]:
    """What is left out here, each true for this very scenario; ``has_estimate``: one may stand beside the answer."""
    accounts, layout, topology = case.accounts, case.layout, case.hardware.topology or ""
    trains, practice = case.phase.name == PhaseName.TRAIN, has_estimate and coefficients_of(case) is not None
    found = [
        f"kernel launches{IN_PRACTICE if practice else ''}",
        f"activation traffic to memory{IN_PRACTICE if practice and trains else ''}",
        "embedding lookup and sampling",
    ]
    if layout.chips > layout.replicas:
        if case.number(q.scale_up_latency) == 0:
            otherwise = IN_PRACTICE if practice and not trains else " (ideal: 0 s)"
            found.append(f"start-up latency of collectives{otherwise}")
        if "torus" in topology:
            found.append(f"where a layout lies on the {topology}: the most compact block is taken")
        elif "mesh" in topology:
            found.append(f"the {topology}: one pair of chips has a fraction of the bandwidth")
    if trains and layout.chips > 1:
        overlap = case.inputs.overlap
        found.append(f"which collectives wait for which pass: overlap {overlap} hides {HIDDEN[overlap]}")
    found += _of_architecture(case)
    if not case.has_network:
        found.append("interconnect (the model gives no width and layers)")
    if practice and case.inputs.scope == Scope.SERVING and layout.dp > 1 and accounts.meets(layout):
        found.append("a rank's prompt while others have none: in the estimate they are held back until all have one")
    if not accounts.is_architecture and layout.dp * layout.cp > 1:
        found.append("that dp and cp hold weights whole: quantities are split over all chips of a stage, ideally")
    if case.precision["weights"] in (Format.FP8, Format.INT8):
        found.append("scales of the quantised weights (below 0.1 %)")
    if accounts.is_architecture and accounts.layers % layout.pp:
        found.append("uneven pipeline stages: the mean stage sets the pace")
    micro_batch, tokens = case.number(q.micro_batch), case.number(q.micro_batch * case.phase.tokens)
    ranks, groups = layout.dp, layout.dp * layout.cp
    if (micro_batch is not None and micro_batch < ranks) or (tokens is not None and tokens < groups):
        found.append("idle chips: the micro-batch is smaller than the groups that share it")
    if accounts.experts and case.number(q.expert_load) == 1:
        found.append("uneven load of the experts (expert_load says how uneven)")
    if not trains:
        found.append("adapters (LoRA), images, scheduling between the turns of a dialogue")
    return [*found, *(str(notice) for notice in case.notices)]


def _of_architecture(case: Case) -> list[str]:
    found, layout = [], case.layout
    mixers = [part for mixer, _ in case.accounts.mixers for part in parts(mixer)]
    context = case.number(case.phase.varies) or 0.0
    chunks = [mixer.window for mixer in mixers if mixer.chunked and mixer.window and context > mixer.window]
    if chunks and case.phase.name == PhaseName.DECODE:
        found.append(f"the position in an attention chunk of {chunks[0]} tokens: a whole one is read")
    if case.number(case.phase.tokens) != 1 and any(mixer.selected for mixer in mixers):
        found.append(
            "that tokens of one pass may select different tokens of the context: as many as one selects are read"
        )
    if any(isinstance(mixer, RecurrentMixer) for mixer in mixers):
        found.append("choosing the chunk of a recurrent mixer: the fewest FLOP, those of the recurrence, are counted")
    if case.phase.name == PhaseName.TRAIN:
        if case.accounts.tied and layout.pp > 1:
            found.append("the sum of the tied embedding's gradients between first and last stage")
        if any(isinstance(mixer, GroupedAttention) and mixer.kv_heads < layout.tp for mixer in mixers):
            found.append("the sum of gradients between tensor-parallel chips that hold the same keys and values")
    if layout.pp > 1 and any(layer.shared for layer in case.accounts.kinds):
        found.append("sending the embedding, which shared blocks read again, along the pipeline")
    if layout.cp > 1 and any(isinstance(mixer, LatentAttention) for mixer in mixers):
        found.append("exchanging latent queries and results before the up-projections, fewer bytes for more FLOP")
    return found + [notice for notice in case.accounts.notices if _leaves_out(notice)]


def notes(case: Case) -> list[str]:
    """What the catalogue or a configuration remarks about the model, beside what it leaves out."""
    return [notice for notice in case.accounts.notices if not _leaves_out(notice)]


def _leaves_out(notice: str) -> bool:
    return any(words in notice for words in ("not counted", "not modelled", "is modelled"))
