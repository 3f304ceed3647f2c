"""One honest line: what this scenario has and the model does not."""

from steptime.model import symbols as q
from steptime.model.architecture.transformer import GroupedAttention, LatentAttention, RecurrentMixer, Transformer
from steptime.model.step.case import Case

HIDDEN = {
    "full": "all of them behind compute",
    "per-operation": "none behind other operations",
    "none": "none",
}
"""What each overlap lets collectives do; the truth of a training step lies between full and none."""


def not_modelled(case: Case) -> list[str]:
    """What is left out here, each true for this very scenario."""
    found = ["kernel launches", "activation traffic to memory", "embedding lookup and sampling"]
    if case.layout.chips > case.layout.replicas:
        if case.number(q.scale_up_latency) == 0:
            found.append("start-up latency of collectives (ideal: 0 s)")
        if "torus" in (case.hardware.topology or ""):
            found.append(f"where a layout lies on the {case.hardware.topology}: the most compact block is taken")
        elif "mesh" in (case.hardware.topology or ""):
            found.append(f"the {case.hardware.topology}: one pair of chips has a fraction of the bandwidth")
    if case.phase.name == "train" and case.layout.chips > 1:
        overlap = case.question.overlap
        found.append(f"which collectives wait for which pass: overlap {overlap} hides {HIDDEN[overlap]}")
    if isinstance(case.model, Transformer):
        found += _of_architecture(case, case.model)
    elif not case.has_network:
        found.append("interconnect (the model gives no width and layers)")
    if case.precision["weights"] in ("fp8", "int8"):
        found.append("scales of the quantised weights (below 0.1 %)")
    if isinstance(case.model, Transformer) and len(case.model.layers) % case.layout.pp:
        found.append("uneven pipeline stages: the mean stage sets the pace")
    micro_batch, tokens = case.number(q.micro_batch), case.number(q.micro_batch * case.phase.tokens)
    ranks, groups = case.layout.dp, case.layout.dp * case.layout.cp
    if (micro_batch is not None and micro_batch < ranks) or (tokens is not None and tokens < groups):
        found.append("idle chips: the micro-batch is smaller than the groups that share it")
    if isinstance(case.model, Transformer) and case.model.experts and case.number(q.expert_load) == 1:
        found.append("uneven load of the experts (--set expert_load=…)")
    return [*found, *case.notices]


def _of_architecture(case: Case, model: Transformer) -> list[str]:
    found = []
    mixers = [mixer for mixer, _ in model.mixers]
    context = case.number(case.phase.varies) or 0.0
    chunks = [mixer.window for mixer in mixers if mixer.chunked and mixer.window and context > mixer.window]
    if chunks and case.phase.name == "decode":
        found.append(f"the position in an attention chunk of {chunks[0]} tokens: a whole one is read")
    if any(mixer.selected for mixer in mixers) and case.number(case.phase.tokens) != 1:
        found.append(
            "that tokens of one pass may select different tokens of the context: as many as one selects are read"
        )
    if any(isinstance(mixer, RecurrentMixer) for mixer in mixers):
        found.append("choosing the chunk of a recurrent mixer: the fewest FLOP, those of the recurrence, are counted")
    if case.phase.name == "train":
        if model.tied and case.layout.pp > 1:
            found.append("the sum of the tied embedding's gradients between first and last stage")
        if any(isinstance(mixer, GroupedAttention) and mixer.kv_heads < case.layout.tp for mixer in mixers):
            found.append("the sum of gradients between tensor-parallel chips that hold the same keys and values")
    if case.layout.cp > 1 and any(isinstance(mixer, LatentAttention) for mixer in mixers):
        found.append("exchanging latent queries and results before the up-projections, fewer bytes for more FLOP")
    return found + [notice for notice in model.notices if _leaves_out(notice)]


def notes(case: Case) -> list[str]:
    """What the catalogue or a configuration remarks about the model, beside what it leaves out."""
    return [notice for notice in getattr(case.model, "notices", ()) if not _leaves_out(notice)]


def _leaves_out(notice: str) -> bool:
    return any(words in notice for words in ("not counted", "not modelled", "is modelled"))
