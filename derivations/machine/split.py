"""Chapter 7, prefill and decode: on one machine design, or each on its own; and how many chips of each kind."""

from collections.abc import Mapping

from sympy import Eq, Expr, Integer, Rational, Symbol, sqrt

from steptime.derivations.board import is_
from steptime.derivations.machine import two_designs as split
from steptime.derivations.machine.costs import GB200_RACK, YEARS
from steptime.derivations.machine.machine import LECTURE, balanced_machine
from steptime.derivations.machine.machine import v3 as decode_v3
from steptime.derivations.rules import both_sides, equation, minimise, side, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.symbols import flops_price, link_price, machine_flops, machine_life

from steptime.derivations.machine.symbols import (  # isort: skip
    bytes_per_flop, capacity_price, decode_bytes, decode_compute_use, decode_cost, decode_flops, handed_bytes,
    machine_memory_bandwidth, memory_bandwidth_price, prefill_bytes, prefill_cost, prefill_flops, prefill_memory_use,
    request_cost, spend_ratio, split_gain, split_request_cost, split_saving,
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


def proof(name: str, title: str, claim: str, start: Eq, *steps: Step, holds: tuple[Expr, ...] = ()) -> Derivation:
    """A derivation of this row."""
    assumes = (
        "on the shared machine prefill is bound by compute and decode by memory, one after the other",
        "machines are used all the time; prices are proportional to what is bought",
    )
    return Derivation(name, title, ("7.3",), claim, start, steps, assumes, (LECTURE, DISTSERVE), v3, V3, holds)


shared_design = proof(
    "shared-design",
    "The best one machine design for prefill and decode",
    "One design for both buys bandwidth as the square root of what the phases need and of the prices.",
    equation(request_cost, split.shared_cost),
    Step(
        "a design is a ratio of bandwidth to FLOP/s; its size cancels",
        substitute(is_(machine_memory_bandwidth, bytes_per_flop * machine_flops)),
        equation(
            request_cost,
            (flops_price + memory_bandwidth_price * bytes_per_flop)
            * (prefill_flops + decode_bytes / bytes_per_flop)
            / machine_life,
        ),
    ),
    Step(
        "the cheapest design",
        minimise(bytes_per_flop),
        equation(bytes_per_flop, sqrt(flops_price * decode_bytes / (memory_bandwidth_price * prefill_flops))),
    ),
)

shared_request = proof(
    "shared-request",
    "Cost of a request on the best one design",
    "While one phase runs, what the other needs stands idle and is paid for.",
    shared_design.lines[1],
    Step(
        "on the cheapest design",
        substitute(shared_design.result),
        equation(request_cost, (sqrt(PREFILL_PRICE) + sqrt(DECODE_PRICE)) ** 2 / machine_life),
    ),
)

phase_request = proof(
    "phase-request",
    "Cost of a phase on a machine of its own",
    "A phase on a balanced machine costs its work at its prices, over the machine's life.",
    equation(request_cost, split.phase_cost),
    Step(
        "what it costs is its price times the time",
        substitute(balanced_machine.result),
        equation(
            request_cost,
            q.budget / (q.budget - capacity_price * q.capacity_needed) * WORK / machine_life,
        ),
    ),
    Step(
        "capacity comes with bandwidth",
        substitute(is_(capacity_price, 0)),
        equation(request_cost, WORK / machine_life),
    ),
    holds=balanced_machine.holds,
)


def phase(flops: Symbol, read: Symbol, sent: Expr) -> Expr:
    """The cost of one phase of a request on a machine of its own."""
    return phase_request.result.rhs.xreplace({q.step_flops: flops, q.step_memory_bytes: read, q.step_link_bytes: sent})


split_request = proof(
    "split-request",
    "Cost of a request on two designs",
    "Two balanced machines pay for no idle resource, but for handing over the KV cache.",
    equation(split_request_cost, split.split_cost),
    Step(
        "each phase on its own machine; the KV cache crosses the links",
        substitute(
            is_(prefill_cost, phase(prefill_flops, prefill_bytes, Integer(0))),
            is_(decode_cost, phase(decode_flops, decode_bytes, handed_bytes)),
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
)

saving = proof(
    "split-saving",
    "When two designs win",
    "Two designs win unless handing over the KV cache costs more than what idles on the shared one.",
    equation(split_saving, split.saving),
    Step(
        "put in both costs",
        substitute(shared_request.result, split_request.result),
        equation(
            split_saving,
            (
                2 * sqrt(PREFILL_PRICE) * sqrt(DECODE_PRICE)
                - flops_price * decode_flops
                - memory_bandwidth_price * prefill_bytes
                - link_price * handed_bytes
            )
            / machine_life,
        ),
    ),
    Step(
        "the minor needs, as shares of the time that each phase takes on the shared design",
        substitute(
            is_(prefill_bytes, prefill_memory_use * prefill_flops * shared_design.result.rhs),
            is_(decode_flops, decode_compute_use * decode_bytes / shared_design.result.rhs),
        ),
        equation(
            split_saving,
            (
                (2 - prefill_memory_use - decode_compute_use) * sqrt(PREFILL_PRICE * DECODE_PRICE)
                - link_price * handed_bytes
            )
            / machine_life,
        ),
    ),
)

gain = proof(
    "split-gain",
    "How much two designs can win at most",
    "With no minor needs and a free hand-over the gain depends only on how the spend divides.",
    equation(split_gain, shared_request.result.rhs / split_request.result.rhs),
    Step(
        "no minor needs, a free hand-over, decode's spend as a multiple of prefill's",
        substitute(
            is_(prefill_bytes, 0),
            is_(decode_flops, 0),
            is_(handed_bytes, 0),
            is_(decode_bytes, spend_ratio * PREFILL_PRICE / memory_bandwidth_price),
        ),
        equation(split_gain, (1 + sqrt(spend_ratio)) ** 2 / (1 + spend_ratio)),
    ),
)

even_spend = proof(
    "split-gain-even",
    "The spend at which two designs win most",
    "Two designs win most where both phases need machines of the same price.",
    gain.result,
    Step(
        "what is won, turned over: a rising and a falling part, least where the gain is most",
        both_sides(1 / (side - 1)),
        equation(1 / (split_gain - 1), sqrt(spend_ratio) / 2 + spend_ratio ** Rational(-1, 2) / 2),
    ),
    Step("least", minimise(spend_ratio), equation(spend_ratio, Integer(1))),
)

largest_gain = proof(
    "split-gain-largest",
    "Two designs at best halve the cost",
    "With even spend one design pays for everything twice: the gain is two.",
    gain.result,
    Step("even spend", substitute(even_spend.result), equation(split_gain, Integer(2))),
)

DERIVATIONS = (
    shared_design, shared_request, phase_request, split_request, saving, gain, even_spend, largest_gain,
)  # fmt: skip
