"""The blackboard's formulas that derivations begin with, against sums worked by hand, without any derivation."""

import pytest
from sympy import Expr, Integer, Symbol

from steptime.derivations.batch import routing, sparse, waiting
from steptime.derivations.batch import symbols as b
from steptime.derivations.collectives.formulas import chip_expert_bytes, chip_expert_flops
from steptime.derivations.collectives.symbols import chip_tokens, expert_weights
from steptime.derivations.experts import formulas as experts
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.machine import formulas as machine
from steptime.derivations.machine import symbols as m
from steptime.derivations.overtraining import formulas as life
from steptime.derivations.overtraining import symbols as o
from steptime.derivations.pipelines import formulas as pipelines
from steptime.derivations.pipelines import symbols as p
from steptime.derivations.prices import formulas as prices
from steptime.derivations.prices import passes
from steptime.derivations.prices import symbols as pr
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

BOUGHT = {q.step_flops: 60.0, q.machine_flops: 20.0, q.step_memory_bytes: 48.0, m.machine_memory_bandwidth: 12.0,
          q.step_link_bytes: 10.0, q.machine_link_bandwidth: 5.0, q.flops_price: 2.0, m.memory_bandwidth_price: 3.0,
          q.link_price: 4.0, m.capacity_price: 0.5, q.capacity_needed: 16.0, q.step_time: 4.0, m.idle_compute: 0.25,
          m.idle_memory: 0.5, m.idle_link: 1.0, q.budget: 200.0, q.stack_bandwidth: 3.0, q.stack_price: 6.0,
          q.step_scale_out_bytes: 28.0, m.raised_cost: 0.9, m.lowered_cost: 1.3, b.token_cost: 1.0, m.rise: 0.1,
          q.bytes_per_weight: 2.0, q.parameters: 30.0, q.micro_batch: 5.0, q.context: 7.0, q.kv_bytes: 4.0,
          q.stage_chips: 8.0, q.chips: 24.0, q.batch: 12.0}  # fmt: skip
LIFE = {q.flops_per_mac: 2.0, q.active_parameters: 10.0, q.pretraining_tokens: 50.0, q.served_tokens: 80.0,
        q.decode_efficiency: 0.5, o.rl_flops_per_weight: 4.0, o.rl_tokens: 6.0, o.serving_rate: 3.0,
        o.service_life: 7.0, q.optimal_tokens_per_weight: 2.5, o.irreducible_loss: 1.5, q.size_coefficient: 20.0,
        q.size_exponent: 1.0, q.data_coefficient: 50.0, q.data_exponent: 1.0, o.rising_scale: 3.0, o.lever: 2.0,
        o.rising_exponent: 3.0, o.falling_scale: 32.0, o.falling_exponent: 2.0, o.relative_change: 1.0,
        o.equal_cost_lever: 1.0, o.least_cost_lever: 2.0}  # fmt: skip
PIPE = {q.pipeline_parallel: 4.0, p.stage_time: 5.0, q.micro_batches: 3.0, q.scale_out_latency: 0.5,
        q.scale_out_bandwidth: 8.0, q.micro_batch: 6.0, q.pass_tokens: 2.0, q.stage_chips: 3.0, q.width: 10.0,
        q.send_bytes: 2.0, q.scale_up_domain: 3.0, q.step_time: 20.0, p.hop_latency: 0.25, q.interleave: 2.0,
        p.micro_batch_overhead: 1.0, p.sequence_time: 0.5, q.batch: 12.0, q.flops_per_mac: 2.0,
        q.active_parameters: 100.0, q.peak_flops: 50.0, q.bytes_per_weight: 2.0, q.parameters_read: 100.0,
        q.memory_bandwidth: 25.0, p.activation_bytes: 80.0, p.stage_index: 2.0, p.layers_per_stage: 7.0,
        experts_per_token: 3.0, q.dispatch_bytes: 1.0, q.combine_bytes: 2.0, q.scale_up_bandwidth: 40.0,
        q.weight_shards: 5.0, q.kv_shards: 2.0, q.kv_bytes: 10.0, q.context: 9.0, q.kv_written: 10.0,
        q.memory_efficiency: 0.5}  # fmt: skip
CACHE = {q.chip_second_price: 3.0, q.flops_per_mac: 2.0, q.active_parameters: 100.0, q.attention_flops: 4.0,
         q.context: 50.0, q.peak_flops: 60.0, q.far_second_price: 2.0, q.kv_bytes: 100.0, q.far_capacity: 1000.0,
         q.hold_time: 7.0, q.far_bandwidth: 50.0, q.far_link_bandwidth: 25.0, pr.kv_layers: 6.0, pr.query_heads: 8.0,
         pr.kv_heads: 2.0, pr.head_dim: 5.0, pr.value_dim: 3.0, q.bytes_per_kv: 2.0, pr.kv_rank: 20.0,
         pr.rope_dim: 4.0, pr.windowed_layers: 9.0, pr.window: 10.0, q.reuse_share: 0.8, pr.reuse_survival: 0.25,
         q.tier_second_price: 2.0, q.tier_capacity: 500.0, q.tier_bandwidth: 20.0, q.link_bandwidth: 10.0,
         pr.reuse_hazard: 0.125, q.micro_batch: 5.0, q.stage_chips: 8.0, q.pass_tokens: 4.0}  # fmt: skip
SERVED = {q.bytes_per_weight: 2.0, q.parameters: 30.0, q.micro_batch: 5.0, q.context: 7.0, q.kv_bytes: 4.0,
          q.stage_chips: 8.0, b.waiting_time: 1.5, q.step_time: 4.0, b.arrivals: 4, q.compute_time: 3.0,
          b.tokens_read: 3.0, b.index_bytes: 0.5, q.kv_shards: 2.0, q.memory_efficiency: 0.5,
          q.memory_bandwidth: 10.0, b.dense_context: 28.0, b.selected_tokens: 5.0}  # fmt: skip
ROUTED = {b.experts_routed: 3.0, b.dense_experts: 2.0, b.most_experts: 6.0, b.routed_size_power: 0.08,
          b.routed_expert_power: 0.1, b.routed_interaction: 0.01, b.routed_offset: 1.1}  # fmt: skip
EXPERTS = {q.flops_per_mac: 2.0, chip_tokens: 6.0, experts_per_token: 3.0, expert_weights: 50.0,
           q.bytes_per_weight: 2.0, b.experts_routed: 16.0, q.stage_chips: 4.0, q.micro_batch: 6.0, q.pass_tokens: 2.0,
           q.width: 10.0, q.dispatch_bytes: 1.0, q.combine_bytes: 2.0, q.scale_up_domain: 2.0}  # fmt: skip
COPIES = experts.copies_of_tokens

BY_HAND = {
    "compute: 60 at 20/s": (machine.compute_time, BOUGHT, 3.0),
    "memory: 48 at 12/s": (machine.memory_time, BOUGHT, 4.0),
    "links: 10 at 5/s": (machine.link_time, BOUGHT, 2.0),
    "2*20 + 3*12 + 4*5 + 16/2 dollars": (machine.spend, BOUGHT, 104.0),
    "60 in 4 s and a quarter idle": (machine.needed_flops, BOUGHT, 18.75),
    "48 in 4 s and a half idle": (machine.needed_memory_bandwidth, BOUGHT, 18.0),
    "10 in 4 s and as much idle": (machine.needed_link_bandwidth, BOUGHT, 5.0),
    "40 of 200 dollars": (machine.share_on_compute, BOUGHT, 0.2),
    "36 of 200 dollars": (machine.share_on_memory, BOUGHT, 0.18),
    "20 of 200 dollars": (machine.share_on_links, BOUGHT, 0.1),
    "8 of 200 dollars": (machine.share_on_capacity, BOUGHT, 0.04),
    "48 in 4 s by stacks of 3/s": (machine.stacks_for_bandwidth, BOUGHT, 4.0),
    "6 dollars for 3/s": (machine.price_of_bandwidth, BOUGHT, 2.0),
    "28 in 4 s": (machine.needed_scale_out_bandwidth, BOUGHT, 7.0),
    "a tenth more, a tenth cheaper": (machine.elasticity, BOUGHT, 1.0),
    "a tenth less, three tenths dearer": (machine.elasticity_below, BOUGHT, 3.0),
    "a tenth more work, a tenth cheaper": (machine.elasticity_of_work, BOUGHT, -1.0),
    "0.9 of 1": (machine.cost_ratio, BOUGHT, 0.9),
    "60 B of weights and 5*7*4 of cache on 8 chips": (machine.memory_held, BOUGHT, 25.0),
    "24 chips for 4 s over 12 tokens": (machine.chip_seconds_per_token, BOUGHT, 8.0),
    "six FLOP a weight and token (Kaplan et al. 2020)": (life.pretraining_flops, LIFE, 3000.0),
    "4*10*6 FLOP at half the utilisation": (life.rl_flops, LIFE, 480.0),
    "2*10*80 FLOP at half the utilisation": (life.serving_flops, LIFE, 3200.0),
    "3/s for 7 s": (life.tokens_over_life, LIFE, 21.0),
    "50 tokens against 2.5 a weight": (life.over_training_factor, LIFE, 2.0),
    "1.5 + 20/10 + 50/50 nats": (life.loss, LIFE, 4.5),
    "training and serving": (life.life_flops, LIFE, 6200.0),
    "3*2^3 + 32/2^2": (life.two_costs, LIFE, 32.0),
    "at 1: 35, at 2: 32": (life.equal_cost_penalty, LIFE, 35 / 32),
    "twice the weights: 6200 FLOP for one nat": (life.flops_per_nat(q.active_parameters), LIFE, 6200.0),
    "twice the tokens: 3000 FLOP for half a nat": (life.flops_per_nat(q.pretraining_tokens), LIFE, 6000.0),
    "four stages of 5 s": (pipelines.round_time, PIPE, 20.0),
    "three of four places taken": (pipelines.busy, PIPE, 0.75),
    "6*2/3 tokens a chip of 20 B at 8/s": (pipelines.hop_time, PIPE, 10.0),
    "and half a second": (pipelines.hop_duration, PIPE, 10.5),
    "20 s and four hops of a quarter": (pipelines.token_duration, PIPE, 21.0),
    "(3 + 3/2) stages of 5 s": (pipelines.pipeline_time, PIPE, 22.5),
    "a second, and half a second for each of 4": (pipelines.stage_time_of_micro_batch, PIPE, 3.0),
    "6*100*(2*12/3) FLOP on 4*3 chips of 50/s": (pipelines.stage_compute_time, PIPE, 8.0),
    "three times 200 B over 12 chips of 25/s": (pipelines.stage_streaming_time, PIPE, 2.0),
    "GPipe: three of 80/4": (pipelines.held_gpipe, PIPE, 60.0),
    "1F1B, stage 2 of 4: three of 80/4": (pipelines.held_1f1b, PIPE, 60.0),
    "interleaved: 80 (1 + 3/8)": (pipelines.held_interleaved, PIPE, 110.0),
    "7 layers: 4 tokens * 10 * 3 copies * 3 B, 2/3 of them leave, at 40/s":
        (pipelines.stage_exchange_time, PIPE, 7 * 360 * 2 / 3 / 40),
    "a quarter of 200 B / 5 and of 100 B * 6 / 2, at 12.5/s":
        (pipelines.stage_memory.time, PIPE, (40 + 300) / 4 / 12.5),
    "prefill: 200 FLOP and 4*(0 + 1 + 2)/3 at 60/s, 3 $/s": (
        prices.rematerialise, CACHE | {q.prompt: 3, q.compute_efficiency: 1.0}, 10.2),
    "a tenth of 2 $/s for 7 s": (prices.far_hold, CACHE, 1.4),
    "2 s of 2 $/s and 4 s of 3 $/s": (prices.far_fetch, CACHE, 16.0),
    "6 layers of 2 heads of 5 + 3, 2 B": (prices.grouped_kv_bytes, CACHE, 192.0),
    "6 layers of 20 + 4, 2 B": (prices.latent_kv_bytes, CACHE, 288.0),
    "and 9 layers that keep a fifth of 50 tokens": (prices.windowed_kv_bytes, CACHE, 192 + 9 * 16 * 2 / 5),
    "0.8 return, a quarter of them are left: 0.2 of 0.4": (prices.ever, CACHE, 0.5),
    "near: 0.4 $/s, and an eighth of 10 + 30": (prices.near_rate, CACHE, 5.4),
    "far: 0.2 $/s, and an eighth of 16": (prices.far_rate, CACHE, 2.2),
    "a pass of four tokens computes four times": (passes.compute_time_of(Integer(7)), CACHE, 28.0),
    "3 $/s, 8 chips, 10 s over 5 * 2 tokens": (passes.cost_per_token(Integer(10), Integer(2)), CACHE, 24.0),
    "60 B and 5*7*4 B on 8 chips": (waiting.stored_per_chip, SERVED, 25.0),
    "waits 1.5 s, rides 4 s": (waiting.response_time, SERVED, 5.5),
    "four arrivals in 4 s wait 1, 2, 3 and 4 s": (waiting.mean_waiting_time, SERVED, 2.5),
    "computes 3 of 4 s": (waiting.utilisation, SERVED, 0.75),
    "3 tokens of 4 B and 7 keys of half a byte": (sparse.traffic_per_sequence, SERVED, 15.5),
    "over two ways at 5/s": (sparse.memory_slope, SERVED, 1.55),
    "sqrt(7*28)": (sparse.square_root_read, SERVED, 14.0),
    "the best five of seven": (sparse.top_k_read, SERVED, 5.0),
    "1/(1/(3 - 1 + 1/(1/2 - 1/6)) + 1/6): (5*6)/(5 + 6)": (routing.saturated_experts, ROUTED, 30 / 11),
    "one expert counts as a dense model does": (routing.saturated_experts, ROUTED | {b.experts_routed: 1.0}, 2.0),
    "1.1 - 0.08*9 - 0.1*2 + 0.01*18": (routing.log10_loss(Integer(10**9), Integer(100)), ROUTED, 0.36),
    "2 FLOP, 6 tokens of 3 experts of 50 weights": (chip_expert_flops, EXPERTS, 1800.0),
    "16 experts of 100 B on 4 chips": (chip_expert_bytes, EXPERTS, 400.0),
    "6*2 tokens over 4 chips": (experts.tokens_per_chip, EXPERTS, 3.0),
    "3 tokens of 10 wide to 3 experts, 3 B there and back": (COPIES, EXPERTS, 270.0),
    "three quarters leave the chip": (experts.exchanged(COPIES, experts.one_domain).scale_up, EXPERTS, 202.5),
    "two domains: a quarter stays inside": (experts.exchanged(COPIES, experts.many_domains).scale_up, EXPERTS, 67.5),
    "two domains: half goes out": (experts.exchanged(COPIES, experts.many_domains).scale_out, EXPERTS, 135.0),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    formula, numbers, expected = BY_HAND[name]
    assert value(formula, numbers) == pytest.approx(expected, rel=1e-12)


def value(formula: Expr, numbers: dict[Symbol, float]) -> float:
    return float(Scenario(numbers).evaluate(formula))


@pytest.mark.parametrize(("router", "constants"), [
    ("S-BASE", (0.082, 0.108, 0.009, 1.104, 1.847, 314.478)), ("RL-R", (0.083, 0.126, 0.012, 1.111, 1.880, 469.982)),
    ("HASH", (0.087, 0.136, 0.012, 1.157, 4.175, 477.741)),
])  # fmt: skip
def test_constants_of_routed_models(router: str, constants: tuple[float, ...]) -> None:
    """Clark et al. 2022, Table 3: in the order a, b, c, d, E_start, E_max; b and a fall, c is positive."""
    names = (b.routed_size_power, b.routed_expert_power, b.routed_interaction, b.routed_offset, b.dense_experts,
             b.most_experts)  # fmt: skip
    assert tuple(routing.ROUTERS[router][name] for name in names) == constants
