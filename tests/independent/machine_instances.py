"""Random machines to design, and the same programs solved in another way. Used by tests and by benchmarks."""

import warnings
from dataclasses import replace

import numpy as np
from scipy.optimize import NonlinearConstraint, minimize

from steptime.model import symbols as q
from steptime.model.catalog.models import load_model
from steptime.model.catalog.prices import Good, PriceList
from steptime.model.choices import Format, MachineGoal, PhaseName
from steptime.model.layout.layout import Layout
from steptime.model.scenario import Scenario
from steptime.model.solver.machine.design import GOOD, RATE, VARIABLE, Design, Workload
from steptime.model.step.build import cases_at, prepare
from steptime.model.step.inputs import Inputs, Question

TOY = """
parameters = {parameters!r}
active_parameters = {active!r}
kv_bytes = {kv_bytes!r}
attention_flops = {attention!r}
scale_up_bytes = {links!r}
"""


def price_list(drawn: np.random.Generator | None = None, **bounds) -> PriceList:
    """Prices near those of a chip of 2025, each within a factor of ten either way."""

    def near(value: float) -> float:
        return value * (1.0 if drawn is None else float(10 ** drawn.uniform(-1, 1)))

    goods = {
        "compute": Good(5e15, near(10e3), near(700), **bounds.get("compute", {})),
        "stack": Good(1.0, near(800), near(30), **bounds.get("stack", {})),
        "scale_up": Good(9e11, near(5e3), near(60), **bounds.get("scale_up", {})),
    }
    return PriceList("drawn", "drawn.toml", goods, Good(1.0, near(5e3), near(100)), "fp8", {"fp8": 1.0, "bf16": 0.5},
                     near(24e9), near(1e12), 64, "switch", True, 1.5e8, None, ())  # fmt: skip


def designed(folder, drawn=None, workloads=1, chips=8, budget=None, bounds=None, **shape) -> Design:
    """A design of toy models given by their quantities, spread evenly over the chips."""

    def near(name: str, value: float) -> float:
        if name in shape:
            return float(shape[name])
        return value * (1.0 if drawn is None else float(10 ** drawn.uniform(-1, 1)))

    prices = price_list(drawn, **(bounds or {}))
    active = round(near("active", 30e9))
    file = folder / "toy.toml"
    file.write_text(TOY.format(parameters=max(round(near("parameters", 300e9)), active), active=active,
                               kv_bytes=near("kv_bytes", 70e3), attention=near("attention", 1e6),
                               links=near("links", 5e5)))  # fmt: skip
    found = []
    for number in range(workloads):
        phase = PhaseName.PREFILL if number % 3 == 2 else PhaseName.DECODE
        size = q.prompt if phase == PhaseName.PREFILL else q.context
        given = {q.batch: int(near("batch", 256)) + 1.0, size: float(int(near("context", 4000)))}
        asked = Question(load_model(str(file)), prices.machine(), Inputs(phase, given, weights=Format.FP8))
        (case,) = cases_at(prepare(asked), Layout(tp=chips))
        weight = 1.0 if drawn is None else float(drawn.uniform(0.1, 1))
        found.append(Workload.of(f"{phase} {number}", weight, case))
    total = sum(workload.weight for workload in found)
    mixed = tuple(replace(w, weight=w.weight / total) for w in found)
    design = Design(prices, mixed, {"budget": 1.0}, MachineGoal.STEP_TIME, chips)
    least = float(Scenario({**design.numbers, **{VARIABLE[n]: design.floor(n) for n in VARIABLE}}).evaluate(_spend()))
    factor = 3.0 if drawn is None else float(drawn.uniform(1.2, 10))
    return Design(prices, mixed, {"budget": budget or least * factor}, MachineGoal.STEP_TIME, chips)


def _spend():
    from steptime.model.economics import machine

    return machine.stacked_spend


def random_one(seed: int, folder) -> Design:
    """One workload; every third has a bound on what a chip may have, or must."""
    drawn = np.random.default_rng(1000 + seed)
    bounds = {0: {"compute": {"most": float(5e15 * 10 ** drawn.uniform(-1, 1))}}, 1: {"scale_up": {"least": 5e11}}}
    return designed(folder, drawn, chips=int(drawn.integers(1, 65)) + 1, bounds=bounds.get(seed % 3))


def random_mix(seed: int, folder) -> Design:
    """Two to five workloads, decode and prefill."""
    drawn = np.random.default_rng(2000 + seed)
    return designed(folder, drawn, workloads=int(drawn.integers(2, 6)), chips=int(drawn.integers(2, 65)))


def work(design: Design) -> list[dict[str, float]]:
    """What each workload asks of each resource: time times amount, from the case's own terms at a rate of one."""
    found = []
    for workload, rates in zip(design.workloads, design.rates, strict=True):
        asked = {}
        for terms in workload.parts.values():
            for term, time in terms.items():
                good = GOOD[term]
                unit = Scenario({**design.numbers, VARIABLE[good]: 1.0}).evaluate(rates[RATE[good]])
                asked[good] = float((workload.case.scenario | {RATE[good]: float(unit)}).evaluate(time))
        found.append(asked)
    return found


def step_times(design: Design, amounts):
    """The step time of each workload on machines: the slowest resource sets the pace."""
    return [np.max([asked[name] / amounts[name] for name in asked], axis=0) for asked in work(design)]


def shares_of_steps(design: Design) -> np.ndarray:
    """How often each workload runs: its share of the tokens over the tokens of one step, a decode's batch or all tokens
    of the prompts of a prefill."""
    steps = []
    for workload in design.workloads:
        case = workload.case
        tokens = case.number(q.batch) * (case.number(q.prompt) if case.inputs.phase == PhaseName.PREFILL else 1)
        steps.append(workload.weight / tokens)
    return np.array(steps) / sum(steps)


def independent(design: Design) -> float:
    """The least mean step time by trust-constr: variables ln amounts and ln times, one constraint function."""
    asked, names = work(design), design.for_sale
    weights = shares_of_steps(design)
    prices = np.array([design.prices.goods[name].dollars / design.prices.goods[name].amount for name in names])
    left = design.limits["budget"] - design.chips * design.prices.base.dollars
    floors = np.array([design.floor(name) for name in names])
    start = np.maximum(0.5 * left / len(names) / prices, floors * 1.01)
    start *= min(1.0, 0.99 * left / (start @ prices)) if (start @ prices) > left else 1.0
    times = [max(one[name] / start[names.index(name)] for name in one) * 1.1 for one in asked]
    scale = float(np.dot(weights, times))

    pairs = [(k, names.index(name), asked[k][name]) for k in range(len(asked)) for name in asked[k]]
    bought, first = np.flatnonzero(floors > 0), len(names)

    def rows(z: np.ndarray) -> np.ndarray:
        terms = [z[first + k] + z[n] - np.log(amount) for k, n, amount in pairs]
        spare = np.log(left) - np.log(np.exp(z[:first]) @ prices)
        return np.array([*terms, *(z[bought] - np.log(floors[bought])), spare])

    def slopes(z: np.ndarray) -> np.ndarray:
        unit = np.eye(len(z))
        spent = np.exp(z[:first]) * prices
        return np.array([*(unit[first + k] + unit[n] for k, n, _ in pairs), *(unit[n] for n in bought),
                         np.concatenate([-spent / spent.sum(), np.zeros(len(times))])])  # fmt: skip

    def mean(z: np.ndarray) -> float:
        return float(np.log(weights @ np.exp(z[first:]) / scale))

    def gradient(z: np.ndarray) -> np.ndarray:
        parts = weights * np.exp(z[first:])
        return np.concatenate([np.zeros(first), parts / parts.sum()])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # trust-constr remarks on steps that change nothing
        z = np.log([*start, *times])
        for barrier in (0.1, 1e-5, 1e-8):  # it may stop before its barrier is low: go on from there
            result = minimize(mean, z, jac=gradient, method="trust-constr",
                              constraints=NonlinearConstraint(rows, 0, np.inf, jac=slopes),
                              options={"gtol": 1e-9, "xtol": 1e-12, "initial_barrier_parameter": barrier,
                                       "initial_barrier_tolerance": barrier, "maxiter": 2000})  # fmt: skip
            z = result.x
    return scale * float(np.exp(result.fun))
