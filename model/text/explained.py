"""A step in five plain sentences: how long, why, what it gives, what it holds, what would change it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from steptime.model.choices import Efficiency, Overlap, PhaseName, TermName
from steptime.model.solver.crossover import crossovers
from steptime.model.step.case import Case
from steptime.model.text.bases import of_price
from steptime.model.text.first_look import READ, changes, doubled, doubts, meeting, shares
from steptime.model.text.format import counted, layout_said, money, plain, si
from steptime.model.text.header import left_out
from steptime.model.text.omitted import not_modelled
from steptime.model.text.practice_terms import added
from steptime.model.text.screen import Screen
from steptime.model.text.step_json import step_json

OF_TERM = {TermName.COMPUTE: "the multiply-adds take", TermName.MEMORY: "reading memory takes",
           TermName.INTERCONNECT: "the links take"}  # fmt: skip


def explained_json(case: Case) -> dict[str, Any]:
    """The sentences, beside what was asked."""
    return {"model": case.model, "hardware": case.hardware.name, "phase": case.phase.name,
            "sentences": list(sentences(case))}  # fmt: skip


def explained_table(case: Case) -> Screen:
    """One sentence a paragraph."""
    paragraphs = [part for text in sentences(case) for part in (Text(text), Text())]
    return Screen(*paragraphs, *left_out([], not_modelled(case)))


def sentences(case: Case) -> tuple[str, str, str, str, str]:
    """The five, each with its numbers; what has no figure is named."""
    answers = crossovers(case)
    data = step_json(case, answers)
    last = what_would_change_it(case, data, meeting(answers))
    return how_long(case, data), why(case, data), what_it_gives(case, data), what_it_holds(data), last


def how_long(case: Case, data: Mapping[str, Any]) -> str:
    """What a step does, and its time at the bound and in practice."""
    machine = f"{counted(case.layout.chips, 'chip')} of {case.hardware.name}"
    where = machine if case.layout.chips == 1 else f"{machine} ({layout_said(case.layout)})"
    if data["step_time"] is None:
        return f"{_does(case, data)} on {where}: no time can be given without {data['missing']['step_time']}."
    at = "at best" if data["overlap"] == Overlap.FULL else Overlap(data["overlap"]).said
    said, found = f"{_does(case, data)} on {where} takes {si(data['step_time'], 's')} {at}", data["estimate"]
    if found is None:
        return f"{said}; {_no_estimate(case)}."
    said += (
        f", and about {si(found['step_time'], 's')} in practice ({si(found['low'], 's')} to {si(found['high'], 's')}"
    )
    return "; ".join([said, *doubts(found, case.model)]) + ")."


def _no_estimate(case: Case) -> str:
    """Why nothing is said of practice."""
    if case.inputs.efficiency == Efficiency.IDEAL:
        return "the bound alone was asked for, without an estimate of how long it takes in practice"
    if not case.accounts.is_architecture:
        return "of a list of quantities there is no estimate of how long it takes in practice"
    return "no measurements say how long it takes in practice"


def _does(case: Case, data: Mapping[str, Any]) -> str:
    sequences, length = counted(round(data["batch"]), "sequence"), plain(case.number(case.phase.varies))
    sequences = sequences.replace(str(round(data["batch"])), plain(data["batch"]), 1)
    if case.phase.name == PhaseName.TRAIN:
        return f"One optimizer step of {case.model} on {sequences} of {length} tokens"
    if case.phase.name == PhaseName.PREFILL:
        cached = f" ({plain(data['cached'])} of them cached)" if data["cached"] else ""
        return f"One prefill of {case.model} over {sequences} of {length} tokens{cached}"
    tokens = case.number(case.phase.yields) or 1.0
    each = "the next token" if tokens == 1 else f"{plain(tokens)} tokens"
    plural = "s" * (length != "1")
    return f"One decode step of {case.model}, {each} for {sequences} behind {length} token{plural} of context each,"


def why(case: Case, data: Mapping[str, Any]) -> str:
    """What binds; and what takes longer in practice."""
    more = added(data["estimate_terms"]) if "estimate_terms" in data else ""
    return f"{_binds(case, data)}{'; in practice ' if more else ''}{more}."


def _binds(case: Case, data: Mapping[str, Any]) -> str:
    """What binds, with the amounts and the rate behind it, and what the others take of its time."""
    name, times, board = data["bottleneck"], data["terms"], case.phase.blackboard
    if name is None or not times[name]:
        return "What binds cannot be said: a term has no number"
    others = [f"{words} {times[other] / times[name]:.0%}" for other, words in OF_TERM.items()
              if other != name and times[other]]  # fmt: skip
    beside = f"; of that time {' and '.join(others)}" if others else ""
    if name == TermName.MEMORY:
        rate, amounts = case.number(board.memory.rate), _read(case)
        shown = " and ".join(f"{si(size, 'B')} of {thing} ({share:.0%})" for thing, (size, share) in amounts.items())
        return f"Memory binds: in every step a chip reads {shown} at {si(rate, 'B/s')}{beside}"
    if name == TermName.COMPUTE:
        rate, kind = case.number(board.compute.rate), data["precision"]["activations"]
        return f"Compute binds: the multiply-adds run at {si(rate, 'FLOP/s')} a chip ({kind}){beside}"
    tiers = {"scale-up": board.scale_up, "scale-out": board.scale_out}
    slowest = max(tiers, key=lambda tier: case.number(tiers[tier].time) or 0.0)
    sent, rate = case.number(tiers[slowest].work), case.number(tiers[slowest].rate)
    return f"The links bind: a chip sends {si(sent, 'B')} over {slowest} at {si(rate, 'B/s')}{beside}"


def _read(case: Case) -> dict[str, tuple[float | None, float]]:
    """Bytes that a chip reads in a step, and their share of the memory term, by what they are."""
    of_whole = shares(case, case.times[TermName.MEMORY])
    sizes = {READ[line.name]: line.memory_bytes for line in case.phase.ledger if line.name in READ}
    return {thing: (case.number(sizes[thing]), share) for thing, share in of_whole.items()}


def what_it_gives(case: Case, data: Mapping[str, Any]) -> str:
    """Rates and cost, at the bound and in practice."""
    keys, found = ("tokens_per_second_per_sequence", "tokens_per_second"), data["estimate"]
    if data[keys[0]] is None:
        return "What it gives and costs cannot be said without a time."
    each, every = (plain(data[key]) for key in keys)
    said = f"That is {each} tokens/s for each sequence and {every} tokens/s in all"
    if found is not None:
        said += f" (about {plain(found[keys[0]])} and {plain(found[keys[1]])} in practice)"
    dollars = data["dollars_per_million_tokens"]
    if dollars is None:
        return f"{said}; what a token costs is unknown, as no price of a chip-hour is."
    practice = "" if found is None else f", about {money(found['dollars_per_million_tokens'])} in practice"
    return f"{said}, at {money(dollars)} per million tokens{of_price(case)}{practice}."


def what_it_holds(data: Mapping[str, Any]) -> str:
    """What a chip holds of what it may, and the sequences that there is room for."""
    used = data["memory_per_chip"]
    names = {"kv": "KV cache", "optimizer": "optimizer state"}
    parts = [f"{si(used[name], 'B')} of {names.get(name, name)}"
             for name in ("weights", "kv", "gradients", "optimizer", "activations") if used.get(name)]  # fmt: skip
    room = "an unknown capacity" if used["usable"] is None else f"{si(used['usable'], 'B')} that may be filled"
    said = f"A chip holds {', '.join(parts)} and {si(used['workspace'], 'B')} of workspace in {room}"
    if data["fits"] is False:
        return f"{said}: it does not fit."
    if (most := data.get("largest_concurrency")) is None:
        return f"{said}."
    length = f"{plain(data['context'])} token{'s' * (data['context'] != 1)}"
    return f"{said}; there is room for {plain(most)} sequences of {length}."


def what_would_change_it(case: Case, data: Mapping[str, Any], meets: Sequence[str]) -> str:
    """What twice each rate would bring, and where compute and memory meet."""
    found = doubled(case, data)
    (helps, idle), at = changes(data, found), Overlap(data["overlap"]).said
    parts = []
    for words in helps:
        time, then = found[words]
        after = "" if then is None else f" (about {si(then, 's')} in practice)"
        parts.append(f"twice the {words} would make it {si(time, 's')} {at}{after}")
    if idle:
        parts.append(f"twice the {' or '.join(idle)} would change nothing {at}")
    text = "; ".join([*parts, *meets]) or "no rate is known whose change would tell"
    return f"{text[:1].upper()}{text[1:]}."
