"""Every derivation and every claim, by chapter. Modules are imported only when the library is opened."""

from functools import cache
from importlib import import_module

from steptime.derivations.claims import Claim
from steptime.derivations.steps import Derivation
from steptime.model.errors import unknown

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
}
MODULES = (
    "chapter1_terms",
    "chapter1_claims",
    "chapter1_batch",
    "chapter1_balance",
    "chapter1_claims_batch",
    "chapter1_context",
    "chapter1_serving",
    "chapter1_speed",
    "chapter1_sparsity",
    "chapter1_drafts",
    "chapter1_claims_serving",
    "chapter2_experts",
    "chapter2_touched",
    "chapter2_racks",
    "chapter2_slowdown",
    "chapter2_domain",
    "chapter3_pipelines",
    "chapter3_tiers",
    "chapter3_memory",
    "chapter3_bubble",
    "chapter3_training",
    "chapter4_two_costs",
    "chapter4_overtraining",
    "chapter4_scaling",
    "chapter5_prices",
    "chapter5_output",
    "chapter5_kv",
    "chapter5_cache",
    "chapter5_tiers",
    "chapter5_holding",
    "chapter6_reversible",
    "chapter7_machine",
    "chapter7_shares",
    "chapter7_stacks",
    "chapter7_prices",
    "chapter7_slack",
    "chapter7_split",
    "chapter7_rates",
    "chapter8_rings",
    "chapter8_algorithms",
    "chapter8_tiers",
    "chapter8_copies",
    "chapter8_torus",
    "chapter8_limits",
    "chapter8_experts",
    "chapter9_attention",
    "chapter9_prefill",
    "chapter9_chunks",
    "chapter9_prefix",
    "chapter9_latent",
    "chapter9_request",
    "chapter9_in_flight",
    "chapter9_verify",
    "chapter9_state",
    "chapter10_flops",
    "chapter10_recomputation",
    "chapter10_activations",
    "chapter10_pipeline",
    "chapter10_data",
    "chapter10_zero",
    "chapter10_tensor",
    "chapter10_split",
    "chapter10_accumulation",
    "chapter10_run",
)


@cache
def derivations() -> tuple[Derivation, ...]:
    """All derivations, in the order of the lecture's rows."""
    found = [one for name in MODULES for one in import_module(f"steptime.derivations.{name}").DERIVATIONS]
    return tuple(sorted(found, key=lambda one: _order(one.rows[0])))


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
    return tuple(other for other in derivations() if one.result in other.ingredients)


def verify_all() -> int:
    """Verify every derivation; the number of lines checked. Raises NotVerified at the first that fails."""
    for one in derivations():
        one.verify()
    return sum(len(one.lines) for one in derivations())
