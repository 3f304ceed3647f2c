"""What a step gives, costs and holds, as it is seen first: rows of a name and a line."""

from collections.abc import Mapping
from typing import Any

from steptime.model.choices import Overlap, PhaseName
from steptime.model.step.case import Case
from steptime.model.text.bases import of_price
from steptime.model.text.format import counted, money, plain, si
from steptime.model.text.run import failures_words, run_beside


def rates_rows(data: Mapping[str, Any]) -> list[list[str]]:
    found, keys = data["estimate"], ("tokens_per_second_per_sequence", "tokens_per_second")
    each, every = (plain(data[key]) for key in keys)
    at = Overlap(data["overlap"]).said
    said = f"{at} {each} per sequence, {every} in all"
    if found is not None:
        said += f"; about {plain(found[keys[0]])} and {plain(found[keys[1]])} in practice"
    lines = [["tokens/s", said]]
    if "mean_step_time" in data:
        mean = si(data["mean_step_time"], "s")
        lines.append(["mean step", f"{mean} {at} with a request's own prefill: rates and cost follow from it"])
    return lines


def run_rows(case: Case, data: Mapping[str, Any]) -> list[list[str]]:
    """A run of training, where its tokens were said."""
    if "training" not in data:
        return []
    found = data["training"]
    passes = counted(int(found["micro_batches"]), "micro-batch", "micro-batches")
    lines = [["pipeline", f"{passes}, bubble {found['bubble']:.1%} of the work"]]
    if found["tokens"] is not None:
        said = run_beside(found, data["estimate"], of_price(case), case.inputs.overlap)
        lines.append(["run", f"{said}; {failures_words(case)}"])
    return lines


def request_rows(data: Mapping[str, Any]) -> list[list[str]]:
    """The whole request of a prefill, where its answer was said."""
    if "request" not in data:
        return []
    request = data["request"]
    room = "; its end DOES NOT FIT" if request["fits"] is False else ""
    first = f"first token after {si(data['time_to_first_token'], 's')}"
    if (practice := data["time_to_first_token_estimate"]) is not None:
        first += f" (about {si(practice, 's')})"
    steps = f"{plain(request['output'] - 1)} decode steps {si(request['decode_time'], 's')}"
    rate = f"{plain(request['tokens_per_second'])} output tokens/s"
    return [["request", f"{Overlap(data['overlap']).said} {si(request['time'], 's')}, {rate}{room}"],
            ["", f"{first}, then {steps} ({request['decode_bottleneck'] or '—'})"]]  # fmt: skip


def cost(case: Case, data: Mapping[str, Any]) -> str:
    """Dollars of a million tokens and joules of one, at the bound, dollars in practice too."""
    dollars, joules = data["dollars_per_million_tokens"], data["joules_per_token"]
    practice = (data["estimate"] or {}).get("dollars_per_million_tokens")
    said = "dollars unknown" if dollars is None else f"{money(dollars)} per million tokens{of_price(case)}"
    said += ", energy unknown" if joules is None else f", {si(joules, 'J')} each"
    said = said if dollars is None and joules is None else f"{Overlap(data['overlap']).said} {said}"
    return said if practice is None else f"{said}; about {money(practice)} in practice"


def used(case: Case, data: Mapping[str, Any]) -> list[list[str]]:
    """What is used of the peak, where multiplying is what a pass is for: at the bound and in practice."""
    if case.phase.name == PhaseName.DECODE or data["mfu"] is None:
        return []
    practice = (data["estimate"] or {}).get("mfu")
    after = "" if practice is None else f"; about {practice:.1%} in practice"
    return [["MFU", f"{Overlap(data['overlap']).said} {data['mfu']:.1%} of peak FLOP/s{after}"]]


def one_cache(case: Case, data: Mapping[str, Any]) -> list[str]:
    """What the cache of one sequence takes, of all its tokens and of each."""
    size, length = data["kv_bytes_per_sequence"], case.number(case.phase.varies)
    if size is None or not length:
        return []
    return [f"KV cache {si(size, 'B')} a sequence of {plain(length)} tokens, {si(size / length, 'B')} a token"]


def memory(data: Mapping[str, Any]) -> str:
    """What a chip holds of what may be filled, and how many sequences there is room for."""
    used = data["memory_per_chip"]
    held, usable = used["total"], used["usable"] if used["usable"] is not None else used["capacity"]
    taken = None if held is None else held + (used["workspace"] or 0.0)
    said = f"{si(taken, 'B')} of {si(usable, 'B')} usable a chip"
    if data["fits"] is None:
        said += ", capacity unknown" if usable is None else ""
    if data["fits"] is False:
        said = f"DOES NOT FIT: {said}"
    if (most := data.get("largest_concurrency")) is not None:
        room = f"room for {counted(most, 'sequence')}" if most else "room for not one sequence"
        said += f" · {room.replace(str(most), plain(most), 1)} of {plain(data['context'])} tokens"
    return said
