"""Where each formula of the model is proved: one home a formula, and a derivation that holds that same object.

A formula here is a SymPy expression or a term of a step that a module of the model's phases, network or economics
names at its top. A derivation holds it where it starts from it, puts it in, or ends in it: as the same object, so that
neither can change without the other.
"""

from sympy import preorder_traversal

from steptime.derivations.owned import Formula, formulas
from steptime.derivations.rules import BothSides
from steptime.derivations.steps import Derivation
from steptime.model.estimate.training import LONGEST
from steptime.model.terms import StepTime, Term

__all__ = ["PROVED", "UNPROVED", "formulas", "holds"]

PROVED = {
    "network.pieces.best_pieces": "best-pieces",
    "network.pieces.in_best_pieces": "pieces-least-time",
    "network.pieces.in_one_piece": "one-piece-time",
    "phases.decode.flops_per_token": "compute-term",
    "phases.decode.kv_traffic_per_sequence": "memory-term",
    "phases.decode.compute": "compute-term",
    "phases.decode.memory": "memory-term",
    "phases.decode.scale_up": "interconnect-term",
    "phases.decode.scale_out": "interconnect-term",
    "phases.decode.compute_slope": "compute-slope",
    "phases.decode.memory_slope": "memory-slope",
    "phases.prefill.kv_traffic_per_sequence": "prefill-balance",
    "phases.prefill.decode_steps": "answer-memory",
    "phases.prefill.prefills_riding_along": "in-flight-others",
    "phases.prefill.expected_tokens": "tokens-per-pass",
    "phases.train.forward_flops": "training-flops-weights",
    "phases.pipeline.micro_batch_time": "bubble-1f1b",
    "phases.pipeline.bubble": "bubble-1f1b",
    "phases.pipeline.stage_times_of_chunks": "chunks-through-stages",
    "phases.pipeline.bubble_zb_h1": "bubble-zb-h1",
    "phases.pipeline.bubble_zb_h2": "bubble-zb-h2",
    "economics.cache.hold": "hold-in-tier",
    "economics.cache.wait": "fetch-cost",
    "economics.cache.read": "fetch-cost",
    "economics.cache.fetch": "fetch-cost",
    "economics.cost.throughput": "throughput-at-optimum",
    "economics.cost.cost_per_token": "compute-cost",
    "economics.machine.stacks_for_bytes": "stack-crossover-budget",
    "economics.machine.stacked_spend": "fastest-is-cheapest",
    "economics.reuse.HAZARD.exponential": "share-age",
    "economics.reuse.HAZARD.weibull": "weibull-age",
    "economics.reuse.HAZARD.lomax": "lomax-age",
    "economics.reuse.tier_rate": "expected-rate",
    "economics.scaling.loss_of_size": "loss-price-by-weights",
    "economics.scaling.loss_of_data": "loss-price-by-tokens",
    "economics.scaling.tokens_at_equal_compute": "pretraining-by-served",
    "economics.scaling.served_at_optimum": "life-optimum",
    "estimate.terms.weights": "decode-above-bound",
    "estimate.terms.experts": "decode-above-bound",
    "estimate.terms.cache": "decode-above-bound",
    "estimate.terms.decode": "decode-above-bound",
    "estimate.terms.DECODE.kernels": "decode-above-bound",
    "estimate.terms.DECODE.sequences": "decode-above-bound",
    "estimate.terms.PREFILL.products": "prefill-above-bound",
    "estimate.terms.PREFILL.attention": "prefill-above-bound",
    "estimate.terms.products": "prefill-above-bound",
    "estimate.terms.scores": "prefill-above-bound",
    "estimate.terms.reading": "prefill-above-bound",
    "estimate.terms.moved": "prefill-above-bound",
    "estimate.terms.prefill": "prefill-above-bound",
    "estimate.terms.along": "riders-above-bound",
    "estimate.training.wide": "training-above-bound",
    "estimate.training.narrow": "training-above-bound",
    "estimate.training.multiplying": "training-above-bound",
    "estimate.training.reading": "training-above-bound",
    "estimate.training.products": "training-above-bound",
    "estimate.training.attention": "training-above-bound",
    "estimate.training.between": "training-above-bound",
    "estimate.training.tensor": "training-above-bound",
    "estimate.training.exchanges": "training-above-bound",
    "estimate.training.kernels": "training-above-bound",
    "estimate.training.passes": "training-above-bound",
    "estimate.training.travel": "training-above-bound",
    "estimate.training.replicas": "training-above-bound",
    "estimate.training.update": "training-above-bound",
    "estimate.training.sent_up": "training-above-bound",
    "estimate.training.sent_out": "training-above-bound",
    "estimate.training.carried": "training-above-bound",
    "estimate.training.waiting": "training-above-bound",
    "estimate.training.training": "training-above-bound",
    "estimate.collectives.reduced": "sum-above-bound",
    "estimate.collectives.gathered": "gather-above-bound",
    "estimate.collectives.exchanged": "exchange-above-bound",
    "estimate.collectives.slower": "gather-above-bound",
    "waiting.formulas.left": "time-between-tokens",
    "waiting.formulas.shared_work": "time-between-tokens",
    "waiting.formulas.coming": "service-balance",
    "waiting.formulas.leaving": "service-balance",
    "waiting.formulas.held": "in-service",
    "waiting.formulas.token": "in-service",
    "waiting.formulas.followers": "clump-mean",
    "waiting.formulas.followers_vary": "clump-variance",
    "waiting.formulas.clump_square": "clump-spread",
    "waiting.formulas.whole_cycle": "cycle-of-prefills",
    "waiting.formulas.whole_cycle_square": "cycle-square",
    "waiting.formulas.wait_in_cycle": "wait-for-prefill",
    "waiting.formulas.queue_wait": "wait-without-decode",
    "waiting.formulas.gated_wait": "wait-for-prefill",
    "waiting.formulas.pool_wait": "pool-of-one",
    "waiting.formulas.pooled_token": "pooled-in-service",
    "waiting.formulas.pooled_held": "pooled-in-service",
}
"""The derivation that holds each formula."""

UNPROVED = {
    "phases.phase.weight_traffic": "A product that names its factors, part of the term that memory-term starts from.",
    "phases.memory.usable": "A definition: the share of the capacity that may be taken.",
    "phases.memory.available": "A definition: what the workspace leaves of it.",
    "phases.memory.filled": "A definition: what is held, and the workspace.",
    "phases.memory.asked_capacity": "The definition of what may be taken, solved for the capacity.",
    "phases.decode.blackboard": "The four terms together; each stands here by itself.",
    "phases.decode.micro_batch_of_batch": "The definition of the micro-batch by the layout.",
    "phases.train.share_of_stage": "A product that names its factors, part of every term of a training step.",
    "phases.pipeline.work_time": "As many micro-batches as pass, each of micro_batch_time.",
    "economics.cache.restore": "A definition: the bytes of a whole cache over the link that brings them back.",
    "economics.cost.speed": "The definition of a sequence's speed: one over the step time.",
    "economics.cost.cost_per_million_tokens": "The same as cost_per_token, a million times.",
    "economics.cost.energy_per_token": "A definition like that of cost_per_token, with power for the price.",
    "economics.machine.stacked_power": "A sum of what each part draws, as stacked_spend is of costs.",
    "economics.machine.running_cost": "A sum of the two formulas before it, over time.",
    "economics.utilisation.peak_of_chips": "A product that names its factors, the denominator of both utilisations.",
    "economics.utilisation.hardware_flops_utilisation": "The definition of HFU: FLOP done over those that could be.",
    "economics.utilisation.run_days": "A definition: the tokens of a run over their rate, in days.",
    "economics.utilisation.run_dollars": "A definition: the tokens of a run times their price.",
    "estimate.terms.links": "A sum of two products, each in decode-above-bound: bytes over what links carry.",
    "estimate.terms.collectives": "A sum of two products, each in decode-above-bound: starts, and the time of each.",
    "estimate.training.up": "A product of two rates, in every term of training-above-bound that travels on scale-up.",
    "estimate.training.out": "A product of two rates, in every term of training-above-bound that travels on scale-out.",
    "estimate.training.beside": "A sum of five terms, each in training-above-bound: all beside products.",
    "estimate.training.busy": "A sum of three terms, each in training-above-bound: what no link and no host holds up.",
    **dict.fromkeys(
        (f"estimate.training.LONGEST.{name}" for name in LONGEST),
        "The step of training-above-bound on one side of each of its maxima; a property test adds them up.",
    ),
    "estimate.collectives.starts": "A sum of the starts of both tiers, of which gather-above-bound is what is left.",
    "waiting.formulas.step": "A definition: a step that is affine in what is in service.",
    "waiting.formulas.chance": "A law of the ratio that service-ratio proves; a test multiplies the chances up.",
    "waiting.formulas.chance_of_more": "The neighbour of chance, one sequence further.",
    "waiting.formulas.tokens_made": "One side of the share that token-sees starts from.",
    "waiting.formulas.tokens_come": "The other side of the share that token-sees starts from.",
    "estimate.terms.PREFILL.kernels": "The same product as in a decode step, of a prefill's kernels.",
    "economics.reuse.CUMULATIVE.exponential": "A distribution, by definition; derivations start from its derivative.",
    "economics.reuse.CUMULATIVE.weibull": "A distribution, by definition; derivations start from its derivative.",
    "economics.reuse.CUMULATIVE.lomax": "A distribution, by definition; derivations start from its derivative.",
}
"""Why no derivation holds a formula."""


def holds(one: Derivation, formula: Formula) -> bool:
    """Whether a derivation starts from a formula, puts it in or ends in it, as the very same object."""
    operations = [step.rule.operation for step in one.steps if isinstance(step.rule, BothSides)]
    parts = [part for line in (*one.ingredients, one.result, *operations) for part in preorder_traversal(line)]
    if isinstance(formula, Term | StepTime):
        return formula.time in parts  # a term is the object; its time is written down when asked for
    return any(part is formula for part in parts)
