"""The fastest machine for one workload, in closed form: each resource is bought for the step time, or at a floor.

With x = work/t of each resource, or its floor where that is more, a limit Σ c·x <= A holds from some step time on. A
sum of maxima is the largest of the sums over every way to choose, so that time is the largest of

    Σ over S of c·work / (A − Σ over the rest of c·floor),    S every set of resources that are not at their floor.

Memory in stacks is at its floor where stacks are bought for their bytes. Sources: Pope 2026, blackboard lecture,
chapter 7; derivations `balanced-machine`, `stacks-for-bandwidth`, `stacks-for-bytes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from types import MappingProxyType

import numpy as np
from sympy import Add, Expr, Float, S

from steptime.model import symbols as q
from steptime.model.economics import machine

Array = np.ndarray

WORK: Mapping[str, Expr] = {
    "compute": q.step_flops,
    "stack": q.step_memory_bytes / q.stack_bandwidth,
    "scale_up": q.step_link_bytes,
    "scale_out": q.step_scale_out_bytes,
}
"""What a step asks of each resource: its amount times the step time."""

UNIT: Mapping[str, Mapping[str, Expr]] = {
    "budget": {"compute": q.flops_price, "stack": q.stack_price, "scale_up": q.link_price,
               "scale_out": q.scale_out_price, "base": q.base_cost, "all": q.budget},
    "power": {"compute": q.flops_energy, "stack": q.stack_power, "scale_up": q.link_energy,
              "scale_out": q.scale_out_energy, "base": q.base_power, "all": q.power_limit},
}  # fmt: skip
"""What one unit costs under each limit, what the base takes, and how much there is."""


@dataclass(frozen=True)
class Limit:
    """``Σ price·amount <= available``, after what the base takes. ``name`` is budget or power."""

    name: str
    available: float
    price: Mapping[str, float]


@dataclass(frozen=True)
class Fastest:
    """The least step time, what bounds it (a limit, or a resource at its most), and the resources above their floors.

    Infinite, bound by the limit, where that does not even pay for the floors.
    """

    time: Array
    bound: Array
    free: tuple[tuple[str, ...], ...]
    choice: Array


def fastest(
    work: Mapping[str, Array | float],
    floor: Mapping[str, Array | float],
    most: Mapping[str, float],
    limits: Sequence[Limit],
) -> Fastest:
    """The least step time of each row of ``work``: amounts times seconds, of each resource that is needed.

    ``floor`` is what must be bought anyway, ``most`` what can be had (also for what comes with the base).

    >>> limit = Limit("budget", 10.0, {"compute": 1.0, "stack": 2.0})
    >>> found = fastest({"compute": 6.0, "stack": 2.0}, {"stack": 3.0}, {}, [limit])
    >>> float(found.time), found.free[int(found.choice)]
    (1.5, ('compute',))
    """
    names = [name for name in work if all(name in limit.price for limit in limits)]
    sets = tuple(chain.from_iterable(combinations(names, size) for size in range(1, len(names) + 1)))
    times, labels, choices = [], [], []
    for limit in limits:
        floors = sum(limit.price[name] * np.asarray(floor.get(name, 0.0), float) for name in limit.price)
        for place, free in enumerate(sets):
            left = limit.available - floors + sum(limit.price[n] * np.asarray(floor.get(n, 0.0), float) for n in free)
            spent = sum(limit.price[name] * np.asarray(work[name], float) for name in free)
            possible = limit.available > floors
            times.append(np.where(possible, spent / np.where(possible, left, 1.0), np.inf))
            labels.append(limit.name)
            choices.append(place)
    for name, amount in most.items():
        if name in work:
            times.append(np.asarray(work[name], float) / amount)
            labels.append(name)
            choices.append(-1)
    every = np.stack(np.broadcast_arrays(*times))
    slowest = np.argmax(every, axis=0)
    return Fastest(np.max(every, axis=0), np.array(labels)[slowest], sets, np.array(choices)[slowest])


def one_after_another(
    work: Mapping[str, Array | float], floor: Mapping[str, Array | float], limits: Sequence[Limit]
) -> dict[str, Array]:
    """The machine whose terms add up to the least time, where no bound but the floors binds: amounts of each resource.

    Minimising Σ work/x under Σ c·x = A gives x ∝ √(work/c), so that the sum is (Σ √(c·work))²/A.

    >>> limit = Limit("budget", 9.0, {"compute": 1.0, "stack": 1.0})
    >>> found = one_after_another({"compute": 4.0, "stack": 1.0}, {}, [limit])
    >>> float(found["compute"]), float(found["stack"])
    (6.0, 3.0)
    """
    every = []
    for limit in limits:
        roots = {name: np.sqrt(np.asarray(work[name], float) / price) for name, price in limit.price.items()
                 if name in work and price > 0}  # fmt: skip
        whole = sum(limit.price[name] * root for name, root in roots.items())
        every.append({name: limit.available * root / whole for name, root in roots.items()})
    least = {name: np.min([one.get(name, np.inf) + 0 * np.asarray(amount) for one in every], axis=0)
             for name, amount in every[0].items()}  # fmt: skip
    return {name: np.maximum(amount, floor.get(name, 0.0)) for name, amount in least.items()}


def formula(
    limit: str,
    free: Sequence[str],
    floor: Mapping[str, float],
    scale: Mapping[str, Expr] = MappingProxyType({}),
    bytes_bind: bool = True,
    fixed: float = 0.0,
) -> Expr:
    """The closed form under one limit: ``free`` resources above their floors, the others at them.

    Stacks at their floor hold the bytes that must be held, where those bind; another floor is a number. ``scale``: what
    a unit of work weighs beside one of what is sold; ``fixed``: dollars or watts of what is not chosen.

    >>> formula("budget", ("compute",), {"compute": 0.0, "stack": 3.0})
    flops_price*step_flops/(-base_cost + budget - capacity_needed*stack_price/stack_capacity)
    """
    unit = UNIT[limit]
    amount: dict[str, Expr] = {name: Float(least, 6) for name, least in floor.items() if least > 0}
    if bytes_bind:
        amount["stack"] = machine.stacks_for_bytes
    held = Add(*[unit[name] * amount[name] for name in floor if name not in free and name in amount])
    work = Add(*[unit[name] * WORK[name] * scale.get(name, S.One) for name in free])
    return work / (unit["all"] - unit["base"] - held - (Float(fixed, 6) if fixed else 0))
