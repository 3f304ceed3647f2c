"""How long a step of a designed machine may take: limits on the step, or on rates that follow from it."""

from collections.abc import Mapping, Sequence

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.scenario import Scenario
from steptime.model.solver.geometric import GeometricProgram
from steptime.model.solver.machine.design import Row
from steptime.model.step.inputs import UserLimit

UPPER: Mapping[Symbol, bool] = {
    q.step_time: True,
    q.tokens_per_second: False,
    q.tokens_per_second_per_sequence: False,
}
"""What may be limited, and whether from above."""
SLACK = 1e-9
"""By how much a limit may be overstepped by rounding."""


def checked(limits: Sequence[UserLimit]) -> tuple[UserLimit, ...]:
    """The limits, each of a quantity that a machine's step decides, and each once; raises UserError for others."""
    seen = set()
    for one in limits:
        if UPPER.get(one.quantity) is not one.upper:
            raise UserError(f"`limit` {one}: limits of a machine are step_time<=, tokens_per_second>= and "
                            "tokens_per_second_per_sequence>=; those of resources are in the price list")  # fmt: skip
        if one.quantity in seen:
            raise UserError(f"`limit` {one.quantity.name}: given twice")
        seen.add(one.quantity)
    return tuple(limits)


def within(
    limits: Sequence[UserLimit], program: GeometricProgram, rows: Sequence[Row], start: Mapping[Symbol, float]
) -> Mapping[Symbol, float]:
    """A machine that keeps the limits on time: the start if it does, else the one that keeps them best.

    Raises UserError where even that one does not, with the limit and by how much it is missed.
    """
    names = [limit.quantity.name for limit in limits]
    bound = [row.label in names for row in rows]
    there = Scenario(start)
    worst = max(
        (float(there.evaluate(e)) for e, is_bound in zip(program.rows, bound, strict=True) if is_bound), default=0
    )
    if worst < 1:
        return start
    excess = Symbol("excess", positive=True)
    eased = tuple(e / excess if is_bound else e for e, is_bound in zip(program.rows, bound, strict=True))
    found = GeometricProgram((*program.over, excess), (excess,), eased).solve({**start, excess: worst * 1.1})
    least = found.values[excess]
    if least > 1 + SLACK:
        raise missed(limits, least)
    return {symbol: value for symbol, value in found.values.items() if symbol != excess}


def missed(limits: Sequence[UserLimit], times: float) -> UserError:
    """What to say where no machine is fast enough."""
    listed = " and ".join(map(str, limits))
    return UserError(f"infeasible: `limit` {listed}: the fastest machine takes {times:.4g} times as long")
