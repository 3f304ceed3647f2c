"""Chapter 7, prefill and decode: what a request costs on one machine design for both, or on one for each."""

from collections.abc import Mapping

from sympy import Expr, S, Symbol, sqrt
from sympy.core.relational import Relational

from steptime.derivations.axioms import FULL_OVERLAP, LINKS_HAND_OVER, PROPORTIONAL_PRICES, TURNS, WRITTEN_OFF
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.machine import formulas
from steptime.derivations.machine.costs import GB200_RACK, YEARS
from steptime.derivations.machine.machine import LECTURE, balanced_machine
from steptime.derivations.machine.machine import v3 as decode_v3
from steptime.derivations.rules import branch, equation, minimise, substitute
from steptime.derivations.steps import Assumption, Derivation, Step
from steptime.model import symbols as q
from steptime.model.symbols import flops_price, link_price, machine_flops, machine_life

from steptime.derivations.facts import (  # isort: skip
    Chosen, Defined, Fact, Instance, Line, Modelled, given, instance,
)  # fmt: skip
from steptime.derivations.machine.symbols import (  # isort: skip
    bytes_per_flop, capacity_price, decode_bytes, decode_compute_use, decode_cost, decode_flops, handed_bytes,
    machine_memory_bandwidth, memory_bandwidth_price, prefill_bytes, prefill_cost, prefill_flops, prefill_memory_use,
    request_cost, spend_ratio, split_request_cost,
)  # fmt: skip

PROMPT, ANSWER, PROMPTS_PER_PASS = 4096, 1024, 16
V3 = (
    "DeepSeek-V3 (fp8 weights, bf16 KV cache) on GB200 NVL72: "
    f"prompts of {PROMPT} tokens, {PROMPTS_PER_PASS} a pass, answers of {ANSWER}, "
    f"4096 sequences in flight, machines paid off over {YEARS:.0f} years; {GB200_RACK.source}"
)
DISTSERVE = "Zhong et al. 2024, DistServe, arXiv 2401.09670"


def v3() -> Mapping[Symbol, float]:
    """A request's work in each phase: multiply-adds with the weights, and its share of what a pass reads."""
    one = decode_v3()
    weights, kv = one[q.bytes_per_weight] * one[q.parameters_read], one[q.kv_bytes]
    per_token = one[q.flops_per_mac] * one[q.active_parameters]
    prefill = {prefill_flops: PROMPT * per_token, prefill_bytes: weights / PROMPTS_PER_PASS + kv * PROMPT}
    decode = {
        decode_flops: ANSWER * per_token,
        decode_bytes: ANSWER * (weights / one[q.batch] + kv * (PROMPT + ANSWER / 2)),
    }
    found = {**one, **prefill, **decode, handed_bytes: kv * PROMPT}
    spend = one[memory_bandwidth_price] * found[decode_bytes], one[flops_price] * found[prefill_flops]
    design = (one[flops_price] * found[decode_bytes] / one[memory_bandwidth_price] / found[prefill_flops]) ** 0.5
    return found | {
        spend_ratio: spend[0] / spend[1],
        bytes_per_flop: design,
        prefill_memory_use: found[prefill_bytes] / found[prefill_flops] / design,
        decode_compute_use: found[decode_flops] / found[decode_bytes] * design,
        # The phase that `phase-request` prices is the decode of one request.
        q.step_flops: found[decode_flops],
        q.step_memory_bytes: found[decode_bytes],
        q.step_link_bytes: found[handed_bytes],
    }


PREFILL_PRICE = flops_price * prefill_flops  # dollar-seconds of FLOP/s that a prefill needs
DECODE_PRICE = memory_bandwidth_price * decode_bytes  # dollar-seconds of bandwidth that a decode needs
WORK = flops_price * q.step_flops + memory_bandwidth_price * q.step_memory_bytes + link_price * q.step_link_bytes
DESIGN = Defined(bytes_per_flop, machine_memory_bandwidth / machine_flops, "the bandwidth of a machine over its FLOP/s")
CHEAPEST = Chosen(bytes_per_flop, "the design for both phases is the one that makes a request cheapest")
WITH_BANDWIDTH = given(capacity_price, 0, "capacity comes with bandwidth")


def proof(
    name: str,
    title: str,
    claim: str,
    start: Fact,
    *steps: Step,
    assumes: tuple[Assumption, ...] = (),
    holds: tuple[Relational, ...] = (),
) -> Derivation:
    """A derivation of this row."""
    return Derivation(name, title, ("7.3",), claim, start, steps, assumes, (LECTURE, DISTSERVE), v3, V3, holds)


BY_DESIGN = {machine_memory_bandwidth: bytes_per_flop * machine_flops}
PREFILL, DECODE = formulas.prefill_time.xreplace(BY_DESIGN), formulas.decode_time.xreplace(BY_DESIGN)
PER_LIFE = (flops_price + memory_bandwidth_price * bytes_per_flop) * machine_flops / machine_life
# what a machine of one design loses in value a second; a shorthand in the lines below
TURNS_OF_BOTH = (
    at_least(flops_price * prefill_flops * decode_bytes, memory_bandwidth_price * prefill_bytes**2),
    at_least(memory_bandwidth_price * prefill_flops * decode_bytes, flops_price * decode_flops**2),
)
"""On the best shared design prefill is bound by compute, and decode by memory."""

shared_design = proof(
    "shared-design",
    "The best one machine design for prefill and decode",
    "One design for both buys bandwidth as the square root of what the phases need and of the prices.",
    Modelled(request_cost, formulas.shared_cost),
    Step(
        "a design is a ratio of bandwidth to FLOP/s",
        substitute(DESIGN.for_(machine_memory_bandwidth)),
        equation(request_cost, PER_LIFE * (PREFILL + DECODE)),
    ),
    Step(
        "prefill is bound by compute",
        branch(PREFILL, prefill_flops / machine_flops),
        equation(request_cost, PER_LIFE * (prefill_flops / machine_flops + DECODE)),
    ),
    Step(
        "decode is bound by memory; the size of the machine cancels",
        branch(DECODE, decode_bytes / (bytes_per_flop * machine_flops)),
        equation(
            request_cost,
            (flops_price + memory_bandwidth_price * bytes_per_flop)
            * (prefill_flops + decode_bytes / bytes_per_flop)
            / machine_life,
        ),
    ),
    Step(
        "the cheapest design: each phase takes no less than what binds it here, so that no other design is cheaper",
        minimise(bytes_per_flop),
        equation(bytes_per_flop, sqrt(flops_price * decode_bytes / (memory_bandwidth_price * prefill_flops))),
    ),
    assumes=(FULL_OVERLAP, TURNS, WRITTEN_OFF, PROPORTIONAL_PRICES, LINKS_HAND_OVER, CHEAPEST),
    holds=TURNS_OF_BOTH,
)

shared_request = proof(
    "shared-request",
    "Cost of a request on the best one design",
    "While one phase runs, what the other needs stands idle and is paid for.",
    Line(shared_design, 3),
    Step(
        "on the cheapest design",
        substitute(shared_design),
        equation(request_cost, (sqrt(PREFILL_PRICE) + sqrt(DECODE_PRICE)) ** 2 / machine_life),
    ),
    holds=TURNS_OF_BOTH,
)

phase_request = proof(
    "phase-request",
    "Cost of a phase on a machine of its own",
    "A phase on a balanced machine costs its work at its prices, over the machine's life.",
    Modelled(request_cost, formulas.phase_cost),
    Step(
        "what it costs is its price times the time",
        substitute(balanced_machine),
        equation(
            request_cost,
            q.budget / (q.budget - capacity_price * q.capacity_needed) * WORK / machine_life,
        ),
    ),
    Step(
        "capacity comes with bandwidth",
        substitute(WITH_BANDWIDTH),
        equation(request_cost, WORK / machine_life),
    ),
    assumes=(WRITTEN_OFF, WITH_BANDWIDTH),
)


def phase(cost: Symbol, flops: Symbol, read: Symbol, sent: Expr) -> Instance:
    """The cost of one phase of a request on a machine of its own."""
    work = {q.step_flops: flops, q.step_memory_bytes: read, q.step_link_bytes: sent}
    return instance(phase_request, {request_cost: cost, **work})


split_request = proof(
    "split-request",
    "Cost of a request on two designs",
    "Two balanced machines pay for no idle resource, but for handing over the KV cache.",
    Modelled(split_request_cost, formulas.split_cost),
    Step(
        "each phase on its own machine; the KV cache crosses the links",
        substitute(
            phase(prefill_cost, prefill_flops, prefill_bytes, S.Zero),
            phase(decode_cost, decode_flops, decode_bytes, handed_bytes),
        ),
        equation(
            split_request_cost,
            (
                flops_price * (prefill_flops + decode_flops)
                + memory_bandwidth_price * (prefill_bytes + decode_bytes)
                + link_price * handed_bytes
            )
            / machine_life,
        ),
    ),
    assumes=(LINKS_HAND_OVER,),
)

DERIVATIONS = (shared_design, shared_request, phase_request, split_request)
