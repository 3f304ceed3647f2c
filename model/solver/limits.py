"""Named limits on a batch: what the machine imposes, and what the user asks for."""

from collections.abc import Sequence

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError
from steptime.model.phases.memory import usable
from steptime.model.quantity import as_count
from steptime.model.solver.parts import parts_of
from steptime.model.solver.problem import Limit, StepLimit
from steptime.model.step.case import Case
from steptime.model.step.inputs import UserLimit

CAPACITIES = ("memory_capacity", "memory_per_chip")
"""Limits on what the fullest chip holds."""


def numbers_but_batch(case: Case, expr: Expr) -> Expr:
    """The expression with numbers for everything but batch."""
    return numbers_but(case, expr, q.batch)


def numbers_but(case: Case, expr: Expr, *kept: Symbol) -> Expr:
    """The expression with numbers for everything but some quantities."""
    for symbol in kept:
        expr = case.scenario.expand(expr, symbol)
    others = expr.free_symbols - set(kept)
    return expr.xreplace({other: sympy.Float(case.scenario.value(other), 17) for other in others})


def least_batch(case: Case) -> float:
    """A whole sequence for every rank in serving, a whole micro-batch for every data-parallel rank in training."""
    ranks = float(case.layout.replicas * case.layout.dp)
    return ranks * (case.scenario.value(q.microbatch) if case.phase.name == PhaseName.TRAIN else case.layout.pp)


def limits_of(
    case: Case, max_step_time: float | None, asked: Sequence[UserLimit], exponent: int | None = 0
) -> tuple[dict[str, Limit], dict[str, StepLimit], dict[str, str]]:
    """Named limits: capacity, one sequence for each stage and replica, the step time, and the user's own. ``exponent``
    of what is minimised: 0 where that is a request's step, -1 where it follows from all steps; None where both follow
    from one."""
    least = least_batch(case)
    limits = {"minimum_batch": Limit((q.batch,), least, upper=False)}
    shown = {"minimum_batch": f"batch >= {as_count(least)}"}
    most = case.number(usable)
    if most is not None:
        taken = [f.total + q.workspace for f in case.footprints]
        limits["memory_capacity"] = Limit(tuple(numbers_but_batch(case, bytes) for bytes in taken), most)
        shown["memory_capacity"] = f"memory_per_chip + workspace <= {most / 1e9:.4g} GB"
    step_limits: dict[str, StepLimit] = {}
    if max_step_time is not None:
        step_limits["max_step_time"] = StepLimit(max_step_time)
        shown["max_step_time"] = f"step_time <= {max_step_time:g} s"
    for one in asked:
        name, limit = one.quantity.name, _user_limit(case, one)
        if name in shown:
            raise UserError(f"`limit` {name}: given twice")
        shown[name] = str(one)
        if isinstance(limit, StepLimit):
            step_limits[name] = limit
        else:
            limits[name] = limit
    if (
        exponent is not None and case.of_all_steps is not case
    ):  # a request's step and the mean one: what limits the other is no step limit
        other = {name: limit for name, limit in step_limits.items() if limit.exponent != exponent}
        limits |= {name: _of_terms(case, step_limits.pop(name)) for name in other}
    return limits, step_limits, shown


def _of_terms(case: Case, limit: StepLimit) -> Limit:
    """A limit on a step, as one on its terms; on their sum where they do not all overlap."""
    timed = case if limit.exponent == 0 else case.of_all_steps
    parts = [list(terms.values()) for terms in parts_of(timed).values()]
    whole = parts[0] if len(parts) == 1 else [sympy.Add(*[sympy.Max(*terms) for terms in parts])]
    parts_of_it = tuple(numbers_but_batch(timed, time) * q.batch**limit.exponent for time in whole)
    return Limit(parts_of_it, limit.bound, step=limit)


EITHER_WAY = (q.batch, q.micro_batch)
UPPER = (q.memory_per_chip, q.step_time, q.dollars_per_million_tokens, q.joules_per_token)
LOWER = (q.tokens_per_second, q.tokens_per_second_per_sequence)
TIMED = frozenset({q.step_time, q.dollars_per_million_tokens, q.joules_per_token, *LOWER})
"""What a user may limit: either way, from above, from below; and what of it follows from the time of a step."""


def is_timed(max_step_time: float | None, asked: Sequence[UserLimit]) -> bool:
    """Whether a limit is on a time, or on what follows from one: it holds for the estimate where there is one.

    >>> is_timed(None, [UserLimit(q.batch, True, 512.0)]), is_timed(None, [UserLimit(q.step_time, True, 0.02)])
    (False, True)
    """
    return max_step_time is not None or any(one.quantity in TIMED for one in asked)


def must_be_limits(asked: Sequence[UserLimit]) -> None:
    """Raise UserError for a limit on what has none, or the wrong way, or that is given twice."""
    names = [one.quantity.name for one in asked]
    for place, one in enumerate(asked):
        if names[place] in names[:place]:
            raise UserError(f"`limit` {names[place]}: given twice")
        if one.quantity not in EITHER_WAY + (UPPER if one.upper else LOWER):
            raise UserError(
                f"`limit` {one}: limits are batch, micro_batch (either way), memory_per_chip<=, "
                "step_time<=, dollars_per_million_tokens<=, joules_per_token<=, tokens_per_second>=, "
                "tokens_per_second_per_sequence>="
            )


def _user_limit(case: Case, asked: UserLimit) -> Limit | StepLimit:
    """A limit on the batch itself, on what a chip holds, or on the step time that follows from a rate or a cost."""
    must_be_limits([asked])
    quantity, upper, value = asked.quantity, asked.upper, asked.value
    if quantity in EITHER_WAY:
        return Limit((numbers_but_batch(case, quantity),), value, upper)
    if quantity == q.memory_per_chip:
        return Limit(tuple(numbers_but_batch(case, f.total) for f in case.footprints), value)
    yields = case.phase.yields
    per_step: dict[Symbol, tuple[int, Expr]] = {  # exponent of batch, limit on t·batch^exponent
        q.step_time: (0, sympy.Float(value)),
        q.tokens_per_second_per_sequence: (0, yields / value),
        q.tokens_per_second: (-1, yields / value),
        q.dollars_per_million_tokens: (-1, yields * value / q.million * q.hour / (q.chips * q.chip_hour_price)),
        q.joules_per_token: (-1, yields * value / (q.chips * case.counted_power)),
    }
    exponent, bound = per_step[quantity]
    number = case.number(bound)
    if number is None:
        raise UserError(f"`limit` {quantity.name} needs a price or power that is missing here")
    return StepLimit(number, exponent, upper, bound)
