"""What a step takes in practice, beside its bound: the estimate, what follows from it, and what somebody measured."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.choices import Overlap
from steptime.model.economics.cost import tokens_per_second_per_megawatt
from steptime.model.economics.utilisation import memory_bandwidth_utilisation, model_flops_utilisation
from steptime.model.step.case import Case
from steptime.model.step.estimate import Estimate, estimated
from steptime.model.text.bases import of_price
from steptime.model.text.evidence import evidence_json
from steptime.model.text.format import plain, si
from steptime.model.text.run import failures_words, run_beside, run_of, run_words

if TYPE_CHECKING:
    from steptime.model.step.measured import Measured


def rates(case: Case) -> dict[str, Expr]:
    """Throughput, speed, cost, energy and the shares of the peaks.

    What all chips do is counted over the time in which they do it, ranks that never meet each at its own pace; of
    in-flight batching both are of a request's own steps.
    """
    over = {} if q.own_prefill in case.scenario.values else {q.step_time: q.mean_step_time}
    return {
        "tokens_per_second": q.tokens_per_second,
        "tokens_per_second_per_sequence": q.tokens_per_second_per_sequence,
        "dollars_per_million_tokens": q.dollars_per_million_tokens,
        "joules_per_token": q.joules_per_token,
        "mfu": model_flops_utilisation(case.phase.flops_per_sequence).xreplace(over),
        "mbu": memory_bandwidth_utilisation(case.phase.blackboard.memory.work),
        "tokens_per_second_per_megawatt": tokens_per_second_per_megawatt,
    }


FOLLOWING = {"tokens_per_second": -1, "tokens_per_second_per_sequence": -1, "dollars_per_million_tokens": 1,
             "joules_per_token": 1, "mfu": -1, "mbu": -1, "tokens_per_second_per_megawatt": -1}  # fmt: skip
"""What follows from the time of a step, and how: in proportion, or in inverse proportion."""
OF_OWN_STEP = ("tokens_per_second_per_sequence", "mbu")
"""What follows from a sequence's own step, and not from the mean one."""


UNMEASURED = "a machine that is designed is of no family of which steps were measured"
OF_NO_FAMILY = {"limits_hold_for": "bound", "estimate": None, "no_estimate": UNMEASURED}
"""What the answer of a made-up machine says of practice."""


def estimate_json(case: Case) -> dict[str, Any] | None:
    """The estimate beside the bound, and what follows from it; None where there is none."""
    found, bounds = estimated(case), case.numbers((q.step_time, q.mean_step_time))
    if found is None:
        return None
    shown = rates(case)
    numbers = case.numbers(shown[key] for key in FOLLOWING)
    mean = bounds[q.mean_step_time]
    own = (*OF_OWN_STEP, *["mfu"] * (q.own_prefill in case.scenario.values))
    after = estimate_of_json(found, bounds[q.step_time], mean, {key: numbers[shown[key]] for key in FOLLOWING}, own)
    return after | _run(case, found.mean_time / mean if mean else None)


def _run(case: Case, ratio: float | None) -> dict[str, float | None]:
    """Days and dollars of a whole run of training at the pace of the estimate, ``ratio`` times the bound's; nothing
    where no tokens were said."""
    run = run_of(case)
    if run["tokens"] is None or ratio is None:
        return {}
    longer = {key: None if (value := run[key]) is None else value * ratio for key in ("days", "dollars")}
    return {"tokens": run["tokens"], **longer}


def run_line(case: Case, batch: float | None = None) -> list[str]:
    """A whole run at the case's step, or at that of another batch, in one line; none where no tokens were said."""
    there = case if batch is None else case.changed({q.batch: batch})
    run = run_of(there)
    if run["tokens"] is None:
        return []
    return [f"{run_beside(run, estimate_json(there), of_price(case), case.inputs.overlap)}; {failures_words(there)}"]


def estimate_of_json(
    found: Estimate, bound: float | None, mean: float | None, numbers: Mapping[str, float | None],
    of_own_step: Collection[str] = OF_OWN_STEP,
) -> dict[str, Any]:  # fmt: skip
    """The same from what the bound says: the speed of a sequence follows from its own step, the rest from the mean."""
    own, every = found.step_time / bound if bound else None, found.mean_time / mean if mean else None
    after: dict[str, float | None] = {}
    for key, value in numbers.items():
        ratio = own if key in of_own_step else every
        after[key] = None if value is None or ratio is None else value * ratio ** FOLLOWING[key]
    return {
        "step_time": found.step_time, "low": found.low, "high": found.high, "family": found.family,
        "inside": found.inside, "outside": list(found.outside), "terms": dict(found.terms), **after,
        **({} if found.evidence is None else {"evidence": evidence_json(found.evidence)}),
        **({} if found.clock is None else {"clock": {"share": found.clock.share, "seconds": found.clock.seconds}}),
    }  # fmt: skip


def measured_json(found: "Measured") -> dict[str, Any]:
    """What was measured beside the bound and the estimate."""
    return {
        "step_time": found.step_time, "share_of_bound": found.share_of_bound, "mfu": found.mfu, "mbu": found.mbu,
        "share_of_estimate": found.share_of_estimate, "unexplained": found.unexplained, "factors": dict(found.factors),
        "low": None if found.band is None else found.band[0], "high": None if found.band is None else found.band[1],
        "inside": found.inside, "overlap": found.overlap,
    }  # fmt: skip


AS_GOOD = 1.001
"""Above it a share of the bound is more than rounding of what was measured."""


def percent(value: float | None) -> str:
    """A share in words."""
    return "—" if value is None else f"{value:.1%}"


def measured_rows(data: Mapping[str, Any]) -> list[str]:
    """What was measured, in lines: the shares of it, and which term alone would explain it; none where nothing was."""
    if "measured" not in data:
        return []
    found = data["measured"]
    first = f"{si(found['step_time'], 's')}: {_counted(found['overlap'])} is {found['share_of_bound']:.0%} of it"
    used = f"MFU {percent(found['mfu'])}, MBU {percent(found['mbu'])}"
    if found["share_of_estimate"] is not None:
        first += f", the estimate {found['share_of_estimate']:.0%}"
    lines = [f"{first}; {used}"]
    if found["share_of_bound"] > AS_GOOD and found["overlap"] != Overlap.FULL:
        lines.append(f"{Overlap(found['overlap']).said}, which is no bound: more was hidden")
    elif found["share_of_bound"] > AS_GOOD:
        lines.append("which cannot be: a figure of the model, the machine or the layout is another than was measured")
    if found["share_of_estimate"] is None:
        return lines
    left, factors = found["unexplained"], list(found["factors"].items())[:3]
    word = "no term explains" if left > 0 else "less than the estimate says:"
    alone = ", ".join(f"{name} x{factor:.3g}" for name, factor in factors) or "no single term"
    return [*lines, f"{word} {si(abs(left), 's')}; {band_words(found)}", f"alone would explain it: {alone}"]


def band_words(found: dict[str, Any]) -> str:
    """Whether what was measured lies in the band of the estimate."""
    where = "inside" if found["inside"] else "below" if found["step_time"] < found["low"] else "above"
    return f"{where} the band ({si(found['low'], 's')} to {si(found['high'], 's')})"


def _counted(overlap: str) -> str:
    """What a time at an overlap is called."""
    return "the bound" if overlap == Overlap.FULL else f"the time {Overlap(overlap).said}"


def practice_words(found: dict[str, Any], bound: float, overlap: str = Overlap.FULL) -> str:
    """The estimate with its band, and what follows from it."""
    text = (f"about {si(found['step_time'], 's')} ({si(found['low'], 's')} to {si(found['high'], 's')}: eight in ten "
            f"measured steps, {found['family']}), {bound / found['step_time']:.0%} of it {_counted(overlap)}; "
            f"{plain(found['tokens_per_second_per_sequence'])} tokens/s per sequence, "
            f"{plain(found['tokens_per_second'])} in all")  # fmt: skip
    if found["dollars_per_million_tokens"] is not None:
        text += f", ${plain(found['dollars_per_million_tokens'])} per million tokens"
    if "clock" in found:
        share, longer = found["clock"]["share"], si(found["clock"]["seconds"], "s")
        text += f"; under the power cap the clock is at {share:.0%} of that at the rated power, which costs {longer}"
    if "days" in found:
        text += f"; {run_words(found)}"
    return text if found["inside"] else f"{text}; outside what was calibrated: {', '.join(found['outside'])}"


def practice_lines(case: Case | None, before: str = "in practice ") -> list[Text]:
    """The same as a line; none where there is no estimate."""
    found = None if case is None else estimate_json(case)
    bound = None if case is None else case.number(q.step_time)
    if case is None or found is None or bound is None:
        return []
    return [Text(before + practice_words(found, bound, case.inputs.overlap))]
