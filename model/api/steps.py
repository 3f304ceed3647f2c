"""A step beside what somebody measured of it, or with inputs that are known within limits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Group
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.api.step import Step
from steptime.model.economics.utilisation import model_flops_utilisation
from steptime.model.errors import UserError
from steptime.model.parse import is_bare, parse, text_of
from steptime.model.quantity import FLOP, count, second
from steptime.model.solver.ranges.uncertainty import Spread, spread
from steptime.model.step.case import Case
from steptime.model.step.measured import Measured, against
from steptime.model.step.solver_words import ranges_of
from steptime.model.text.step_json import step_json
from steptime.model.text.step_table import step_table

RATE = ("tok/s", "tokens/s", "token/s")
MFU = "mfu"


@dataclass(frozen=True, repr=False)
class MeasuredStep(Step):
    """A step beside what somebody measured."""

    measured: Measured

    def _json(self) -> dict[str, Any]:
        return step_json(self.case, measured=self.measured)

    def table(self) -> Group:
        return step_table(self.case, measured=self.measured)


@dataclass(frozen=True, repr=False)
class RangedStep(Step):
    """A step whose inputs are known within limits, with the interval of everything that comes out."""

    spread: Spread

    def _json(self) -> dict[str, Any]:
        return step_json(self.case, spread=self.spread)

    def table(self) -> Group:
        return step_table(self.case, spread=self.spread)


def measured_step(case: Case, measured: str) -> MeasuredStep:
    """The step, its bound and its estimate against a measurement in words: a time of the step, or a rate, in which
    every step counts."""
    text = text_of(measured, "`measured`")
    return MeasuredStep(case, against(case, seconds_of(case, text), of_mean_step=is_rate(text)))


def ranged_step(case: Case, words: Mapping[str, Any]) -> RangedStep:
    """The step over limits in words."""
    return RangedStep(case, spread(case, ranges_of(words)))


def is_rate(text: str) -> bool:
    """Whether a measurement is no time of a step: tokens per second, a share of the peak, FLOP/s."""
    lower = text.lower().strip()
    return lower.endswith((MFU, *RATE)) or "flop" in lower


def seconds_of(case: Case, text: str) -> float:
    """Seconds of a step that a measurement means: a time (38ms), tokens per second of all chips (1200 tok/s), a share
    of the peak (0.42 MFU, 42% MFU), or FLOP/s of a chip (400 TFLOP/s); of the mean step where it is a rate.

    Raises UserError for other texts, and for a rate of what has no number.
    """
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
    if is_bare(said):
        raise UserError(f"`measured` {said[:40]}: no unit; write {said[:40]}ms or {said[:40]}s, or a rate in tok/s, % "
                        "MFU or TFLOP/s")  # fmt: skip
    if said.endswith("%"):
        raise UserError(f"`measured` {said[:40]}: a share of what? Of the peak FLOP/s it is {said[:40]} MFU")
    seconds = parse(said, second, "`measured`")
    if seconds <= 0:
        raise UserError(f"`measured` {said[:40]!r}: a time above zero is needed")
    return seconds


def _at(case: Case, rate: Expr, measured: float) -> float:
    """Seconds of the mean step in which a rate that falls with it is as measured."""
    ideal, bound = case.number(rate), case.number(q.mean_step_time)
    if ideal is None or bound is None or not measured > 0:
        raise UserError("`measured`: a rate above zero is needed, of something that has a number here")
    return bound * ideal / measured
