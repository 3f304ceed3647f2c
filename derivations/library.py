"""Every derivation and every claim, by chapter, and every quantity that they speak of.

Opening the library declares the quantities of all chapters, after those of the model; the derivations themselves are
imported when they are first asked for.
"""

from functools import cache
from importlib import import_module

from steptime.derivations.claims import Claim
from steptime.derivations.steps import Derivation
from steptime.model import symbols
from steptime.model.economics import symbols as economics
from steptime.model.errors import unknown
from steptime.model.estimate import symbols as estimate
from steptime.model.fleet import symbols as fleet
from steptime.model.quantity import Quantity, declared
from steptime.model.waiting import symbols as queues

CHAPTERS = {
    1: "Batch size, cost and speed",
    2: "Mixture of experts on a rack",
    3: "Pipelines",
    4: "Over-training",
    5: "Prices",
    6: "Reversible networks",
    7: "Where the money goes",
    8: "Collectives",
    9: "Serving",
    10: "Training",
    11: "In practice",
    12: "Waiting",
    13: "Fleets",
    14: "Failures and checkpoints",
    15: "Power and heat",
    16: "The network as purchased",
    17: "Reinforcement learning",
}
ROOMS = (
    "batch", "experts", "pipelines", "overtraining", "prices", "reversible", "machine", "collectives", "serving",
    "training", "practice", "waiting", "fleet", "reliability", "power", "fabric", "reinforcement",
)  # fmt: skip
MODULES = (
    "batch.terms",
    "batch.floor",
    "batch.claims",
    "batch.batch",
    "batch.balance",
    "batch.claims_batch",
    "batch.context",
    "batch.serving",
    "batch.speed",
    "batch.sparsity",
    "batch.drafts",
    "batch.draft_cost",
    "batch.draft_length",
    "batch.above_balance",
    "batch.claims_serving",
    "experts.messages",
    "experts.experts",
    "experts.touched",
    "experts.racks",
    "experts.slowdown",
    "experts.domain",
    "experts.drafted",
    "experts.two_versions",
    "pipelines.pipelines",
    "pipelines.tiers",
    "pipelines.memory",
    "pipelines.slots",
    "pipelines.bubble",
    "pipelines.activations",
    "pipelines.training",
    "pipelines.unequal",
    "overtraining.two_costs",
    "overtraining.budgets",
    "overtraining.overtraining",
    "overtraining.scaling",
    "overtraining.life",
    "overtraining.latency",
    "overtraining.served",
    "overtraining.within",
    "overtraining.sparse",
    "prices.prices",
    "prices.output",
    "prices.kv",
    "prices.cache",
    "prices.tiers",
    "prices.holding",
    "reversible.reversible",
    "machine.machine",
    "machine.multipliers",
    "machine.shares",
    "machine.stacks",
    "machine.worth",
    "machine.prices",
    "machine.elasticity",
    "machine.slack",
    "machine.split",
    "machine.gain",
    "machine.rates",
    "collectives.rings",
    "collectives.algorithms",
    "collectives.pieces",
    "collectives.tiers",
    "collectives.copies",
    "collectives.torus",
    "collectives.limits",
    "collectives.experts",
    "serving.attention",
    "serving.prefill",
    "serving.chunks",
    "serving.chunks_in_stages",
    "serving.prefix",
    "serving.prefix_cache",
    "serving.prefix_ranks",
    "serving.prefix_static",
    "serving.prefix_small",
    "serving.prefix_claims",
    "serving.offload",
    "serving.latent",
    "serving.answer",
    "serving.request",
    "serving.in_flight",
    "serving.verify",
    "serving.state",
    "serving.compressed",
    "training.products",
    "training.flops",
    "training.compute",
    "training.recomputation",
    "training.fused",
    "training.activations",
    "training.pipeline",
    "training.traffic",
    "training.data",
    "training.zero",
    "training.tensor",
    "training.split",
    "training.accumulation",
    "training.run",
    "training.context",
    "training.joint",
    "training.axes",
    "training.axes_degrees",
    "training.axes_experts",
    "training.axes_tokens",
    "practice.above",
    "practice.fullest",
    "practice.counts",
    "practice.hottest",
    "practice.redundant",
    "practice.messages",
    "practice.measured",
    "practice.waves",
    "practice.clock",
    "waiting.law",
    "waiting.mean",
    "waiting.clumps",
    "waiting.first",
    "waiting.pools",
    "waiting.scale",
    "fleet.prices",
    "fleet.split",
    "fleet.hand_over",
    "fleet.mixes",
    "fleet.apart",
    "fleet.spare",
    "reliability.failures",
    "reliability.checkpoints",
    "reliability.runs",
    "power.chips",
    "power.sites",
    "fabric.trees",
    "fabric.prices",
    "reinforcement.rollouts",
    "reinforcement.balance",
    "reinforcement.staleness",
)


_chapters = (import_module(f"steptime.derivations.{room}.symbols") for room in ROOMS)
_declaring = (symbols, economics, estimate, queues, fleet, *_chapters)


def quantities() -> dict[str, Quantity]:
    """Every quantity by name: those of the model, those that each chapter adds, and then whatever else is declared.

    >>> list(quantities())[0], quantities()["ridge"].meaning
    ('batch', 'batch at which a dense model without KV cache turns compute-bound')
    """
    records = declared()
    names = (name for module in _declaring for name in vars(module) if name in records)
    return {name: records[name] for name in dict.fromkeys([*names, *records])}


@cache
def derivations() -> tuple[Derivation, ...]:
    """All derivations, in the order of the lecture's rows; a file may list those of another as well."""
    found = [one for name in MODULES for one in import_module(f"steptime.derivations.{name}").DERIVATIONS]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: _order(one.rows[0])))


@cache
def claims() -> tuple[Claim, ...]:
    """All claims, in the order of the lecture's rows."""
    modules = [import_module(f"steptime.derivations.{name}") for name in MODULES]
    found = [claim for module in modules for claim in getattr(module, "CLAIMS", ())]
    return tuple(sorted(found, key=lambda claim: _order(claim.row)))


def _order(row: str) -> tuple[int, ...]:
    return tuple(int(part) for part in row.split("."))


def find(name: str) -> Derivation:
    """The derivation of a name; raises UserError with the best matches."""
    by_name = {one.name: one for one in derivations()}
    if name not in by_name:
        raise unknown("derivation", name, list(by_name))
    return by_name[name]


def used_by(one: Derivation) -> tuple[Derivation, ...]:
    """Derivations that start from the result of another, or put it in."""
    return _followers().get(one.name, ())


@cache
def _followers() -> dict[str, tuple[Derivation, ...]]:
    """By name, the derivations that use one."""
    found: dict[str, tuple[Derivation, ...]] = {}
    for other in derivations():
        for name in dict.fromkeys(used.name for used in other.uses):
            found[name] = (*found.get(name, ()), other)
    return found
