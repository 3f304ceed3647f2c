"""What every answer of one scenario begins and ends with, as JSON and as lines: one home for all commands."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.state_space import parts
from steptime.model.architecture.transformer import GroupedAttention, LatentAttention, RecurrentMixer
from steptime.model.catalog.hardware import Figure
from steptime.model.choices import Format, Overlap, PhaseName
from steptime.model.layout.layout import Layout
from steptime.model.quantity import Quantity, count, declared, lookup
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of
from steptime.model.step.inputs import Default, Missing
from steptime.model.text.bases import bases_json
from steptime.model.text.format import counted, in_unit, layout_said, plain
from steptime.model.text.screen import Fold

LAYOUT = ("tp", "dp", "cp", "ep", "pp", "replicas", "ffn", "copies")


def layout_json(layout: Layout) -> dict[str, Any]:
    return {name: getattr(layout, name) for name in LAYOUT}


def header_json(case: Case) -> dict[str, Any]:
    """What was asked, and what was taken where nothing was said."""
    return {
        "model": case.model,
        "hardware": case.hardware.name,
        "phase": case.inputs.phase,
        case.phase.varies.name: case.number(case.phase.varies),
        "layout": layout_json(case.layout),
        "precision": dict(case.precision),
        "overlap": case.inputs.overlap,
        "experts": case.inputs.experts,
        "efficiency": case.inputs.efficiency,
        **({} if (why := no_estimate(case)) is None else {"no_estimate": why}),
        **bases_json(case),
        "defaults": defaults_json(case.defaults),
        "set": by_hand(case),
        "doubtful": doubtful(case),
        "not_modelled": not_modelled(case),
        "notes": notes(case),
    }


def defaults_json(taken: tuple[Default, ...]) -> list[str]:
    return [str(one) for one in taken]


def no_estimate(case: Case) -> str | None:
    """Why a step of training has no estimate with a user's file; None where it has one, and where none is asked for."""
    chosen, trains = case.inputs.coefficients, case.inputs.phase == PhaseName.TRAIN
    if chosen is None or not trains or case.accounts.transformer is None or coefficients_of(case) is not None:
        return None
    return f"{chosen.origin} has no coefficients of training"


def by_hand(case: Case) -> list[str]:
    """Quantities set by hand, each with its value, as they can be set again."""
    return [f"{symbol.name}={_written(value, lookup(symbol.name))}" for symbol, value in case.inputs.by_hand.items()]


def _written(value: float, record: Quantity) -> str:
    """A value as a reader of quantities takes it: counts without separators, prefix and unit close to the number."""
    if record.unit == count:
        return f"{value:.12g}"
    of_money = str(record.unit).startswith("$")
    return f"{value:.12g}{record.unit}" if of_money else in_unit(value, record.unit, 12).replace(" ", "")


def doubtful(case: Case) -> list[str]:
    """Figures that went in and are marked doubtful, with their source and date."""
    return [said(name, figure) for name, figure in case.doubtful.items()]


def said(name: str, figure: Figure) -> str:
    """One figure with its source and date."""
    record = declared().get(name)
    value = f"{figure.value:g}" if record is None else in_unit(figure.value, record.unit)
    return f"{name} {value} ({', '.join(figure.source)} {figure.date})"


def missing_json(case: Case, outputs: Mapping[str, Expr]) -> dict[str, str]:
    """Outputs without a number, and the files and keys that would give it."""
    return {one.key: str(one) for one in case.missing(outputs)}


NAMED = {
    "estimate.waves": "estimate of waves, which are taken as full", "mfu": "MFU", "mbu": "MBU",
    "step_time": "step time", "dollars_per_million_tokens": "cost", "joules_per_token": "energy",
    "tokens_per_second": "throughput", "tokens_per_second_per_sequence": "speed of a sequence",
    "tokens_per_second_per_megawatt": "throughput of a megawatt", "memory_per_chip.capacity": "check that it fits",
    "terms.compute": "compute term", "terms.memory": "memory term", "terms.interconnect": "interconnect term",
    "network.scale_up": "scale-up time", "network.scale_out": "scale-out time", "training.dollars": "cost of a run",
    "bounds.full": "bound", "bounds.per_operation": "bound by operation", "bounds.none": "bound without overlap",
}  # fmt: skip
"""What outputs are called that a figure is missing for."""


def missing_lines(missing: tuple[Missing, ...] | Mapping[str, str]) -> list[Text]:
    """The same as lines, one a place."""
    by_place: dict[str, list[str]] = {}
    found = missing.items() if isinstance(missing, Mapping) else [(one.key, str(one)) for one in missing]
    for key, where in found:
        by_place.setdefault(where, []).append(key)
    lines = []
    for where, keys in by_place.items():
        remedy = f"; `{where.split()[-1]}`=… would supply it" if ", " not in where else ""
        lines.append(Text(f"missing: {where}{remedy}; so there is no {listed([NAMED.get(key, key) for key in keys])}"))
    return lines


def headline(case: Case, *but: Symbol) -> str:
    """What an answer is of: model and machine, phase, batch and lengths (``but`` what is solved for), layout.

    >>> import steptime as st
    >>> headline(st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").case)
    'llama-3.1-70b on h100-sxm · decode · batch 64 · context 4,096 · tp=8'
    """
    told = (q.batch, case.phase.varies, q.cached, q.chunk, q.microbatch)
    moves = {case.phase.varies} if case.length in but else set()  # a context that follows from what is solved for
    known = case.numbers([symbol for symbol in told if case.takes(symbol) and symbol not in {*but, *moves}])
    lengths = [f"{symbol} {plain(value)}" for symbol, value in known.items()]
    parts = [f"{case.model} on {case.hardware.name}", case.phase.name, *lengths]
    return " · ".join([*parts, layout_said(case.layout, " ", "one chip")])


def listed(texts: Sequence[str], most: int = 3) -> str:
    """The first of some texts, and how many more there are.

    >>> listed(["mfu", "mbu", "cost", "energy", "band"])
    'mfu, mbu, cost and 2 more'
    """
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def trailer(case: Case, but: str = "") -> list[Any]:
    """What an answer ends with: what was set; folded defaults (``but`` one that is solved for), doubtful figures, and
    what is not modelled."""
    taken = [str(one) for one in case.defaults if one.quantity != but]
    lines: list[Any] = []
    if case.inputs.by_hand:
        lines.append(Text("set by hand: " + "; ".join(by_hand(case))))
    if why := no_estimate(case):
        lines.append(Text(f"no estimate: {why}"))
    return [*lines, folded(taken, "default", "defaults taken"), *left_out(doubtful(case), not_modelled(case))]


def folded(texts: Sequence[str], thing: str, title: str) -> Fold:
    """Texts that are folded away and counted; nothing where there are none."""
    if not texts:
        return Fold(())
    return Fold((Text(f"{title}: {'; '.join(texts)}"),), counted(len(texts), thing))


def left_out(figures: Sequence[str], missing: Sequence[str]) -> list[Fold]:
    """Doubtful figures that went in, and what is not modelled."""
    known = folded(figures, "doubtful figure", "doubtful figures")
    said = "" if not missing else f"{counted(len(missing), 'thing')} not modelled"
    return [known, Fold((Text(f"not modelled: {'; '.join(missing)}"),) if missing else (), said)]


# --- what is left out: one honest line ------------------------------------------------------------
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
