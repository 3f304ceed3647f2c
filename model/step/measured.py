"""What somebody measured against the bound and the estimate: shares of both, and which term would explain the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr

from steptime.model import symbols as q
from steptime.model.economics.utilisation import memory_bandwidth_utilisation, model_flops_utilisation
from steptime.model.errors import UserError
from steptime.model.parse import parse
from steptime.model.quantity import FLOP, count, second
from steptime.model.step.case import Case
from steptime.model.step.estimate import Estimate, estimated

RATE = ("tok/s", "tokens/s", "token/s")
MFU = "mfu"


@dataclass(frozen=True)
class Measured:
    """A measured step: its seconds; the shares of it that the bound and the estimate take; the shares of the peaks that
    it reached; what no term of the estimate explains; and by what factor each term alone would have to change."""

    step_time: float
    share_of_bound: float
    share_of_estimate: float | None
    mfu: float | None
    mbu: float | None
    unexplained: float | None
    factors: Mapping[str, float]
    estimate: Estimate | None


def against(case: Case, text: str) -> Measured:
    """What a measurement says of a case. ``text``: a time (38ms), tokens per second of all chips (1200 tok/s), a share
    of the peak (0.42 MFU, 42% MFU), or FLOP/s of a chip (400 TFLOP/s).

    Raises UserError for other texts, and where the bound has no number.
    """
    bound = case.number(q.step_time)
    if bound is None:
        raise UserError("`measured`: the bound has no number to stand beside: see what is missing")
    seconds, found = seconds_of(case, text), estimated(case)
    ratio = seconds / bound
    utilisation = case.number(model_flops_utilisation(case.phase.flops_per_sequence))
    memory = case.number(memory_bandwidth_utilisation(case.phase.blackboard.memory.work))
    mfu, mbu = (None if share is None else share / ratio for share in (utilisation, memory))
    left = None if found is None else seconds - found.step_time
    factors = {} if found is None or left is None else _factors(found, left)
    share = None if found is None else found.step_time / seconds
    return Measured(seconds, 1 / ratio, share, mfu, mbu, left, factors, found)


def _factors(found: Estimate, left: float) -> dict[str, float]:
    """For each term the factor with which it alone would make the estimate what was measured; the nearest to one first,
    none for a term that could not."""
    changed = {name: 1 + left / time for name, time in found.terms.items() if time > 0}
    possible = {name: factor for name, factor in changed.items() if factor > 0}
    return dict(sorted(possible.items(), key=lambda item: max(item[1], 1 / item[1])))


def seconds_of(case: Case, text: str) -> float:
    """Seconds of the step that a measurement means."""
    said = re.sub(r"(?<=\d),(?=\d{3})", "", " ".join(text.split()))
    lower = said.lower()
    if lower.endswith(MFU):
        number = said[: -len(MFU)].strip()
        share = parse(number.removesuffix("%"), count, "`measured`") / (100 if number.endswith("%") else 1)
        return _at(case, model_flops_utilisation(case.phase.flops_per_sequence), share)
    for unit in RATE:
        if lower.endswith(unit):
            rate = parse(said[: -len(unit)].strip(), count, "`measured`")
            return _at(case, q.tokens_per_second, rate)
    if "flop" in lower:
        rate = parse(said, FLOP / second, "`measured`")
        return _at(case, model_flops_utilisation(case.phase.flops_per_sequence) * q.peak_flops, rate)
    seconds = parse(said, second, "`measured`")
    if seconds <= 0:
        raise UserError(f"`measured` {said[:40]!r}: a time above zero is needed")
    return seconds


def _at(case: Case, rate: Expr, measured: float) -> float:
    """Seconds in which a rate that falls with the step time is as measured."""
    ideal, bound = case.number(rate), case.number(q.step_time)
    if ideal is None or bound is None or not measured > 0:
        raise UserError("`measured`: a rate above zero is needed, of something that has a number here")
    return bound * ideal / measured
