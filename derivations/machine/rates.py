"""Chapter 7, how many chips prefill and how many decode; what two designs save for a real request."""

from collections.abc import Callable, Mapping

from sympy import Eq, Expr, Symbol, oo

from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.batch.terms import compute_term, memory_term
from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.machine import two_designs as split
from steptime.derivations.machine.machine import LECTURE
from steptime.derivations.machine.split import v3 as split_v3
from steptime.derivations.rules import equation, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.machine.split import (  # isort: skip
    ANSWER, DISTSERVE, PROMPT, V3, largest_gain, phase_request, saving, shared_request, split_request,
)  # fmt: skip
from steptime.derivations.machine.symbols import (  # isort: skip
    chips_ratio, decode_bytes, decode_chips, decode_compute_use, decode_flops, handed_bytes, memory_bandwidth_price,
    prefill_bytes, prefill_chips, prefill_flops, prefill_memory_use, request_cost, request_rate,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, answer, bytes_per_weight, context, flops_per_mac, kv_bytes, memory_bandwidth, micro_batch,
    parameters_read, peak_flops, prompt,
)  # fmt: skip

REQUESTS = 100.0
TEXT = f"{V3}; {REQUESTS:.0f} requests a second"


def v3() -> Mapping[Symbol, float]:
    return {**split_v3(), prompt: float(PROMPT), answer: float(ANSWER), request_rate: REQUESTS}


def busy_chips(name: str, start: Eq, time: Symbol, term: Eq, gives: Expr) -> Derivation:
    """Chips that one phase keeps busy."""
    per_token = q.stage_chips * time / micro_batch
    tokens = request_rate * (prompt if start.lhs == prefill_chips else answer)
    return Derivation(
        name=f"{name}-chips",
        title=f"Chips that {name} keeps busy",
        rows=("7.3",),
        claim="As many chips as tokens arrive a second, times the chip-seconds of a token.",
        start=start,
        steps=(
            Step(
                "one pipeline stage; the term that binds",
                substitute(is_(q.chips, q.stage_chips), is_(q.batch, micro_batch), is_(q.step_time, time)),
                equation(start.lhs, tokens * per_token),
            ),
            Step("put in the term", substitute(term), equation(start.lhs, gives)),
        ),
        assumes=(f"{'compute' if time == q.compute_time else 'memory'} binds; requests arrive evenly",),
        sources=(LECTURE, DISTSERVE),
        example=v3,
        example_text=TEXT,
    )


prefill = busy_chips(
    "prefill",
    equation(prefill_chips, split.chips_to_prefill),
    q.compute_time,
    compute_term.result,
    request_rate * prompt * flops_per_mac * active_parameters / peak_flops,
)
decode = busy_chips(
    "decode",
    equation(decode_chips, split.chips_to_decode),
    memory_time,
    memory_term.result,
    request_rate * answer * (bytes_per_weight * parameters_read / micro_batch + context * kv_bytes) / memory_bandwidth,
)

ratio = Derivation(
    name="chips-ratio",
    title="Chips that prefill to chips that decode",
    rows=("7.3",),
    claim="The rate of requests cancels: only their shape and the chips decide how many of each kind.",
    start=equation(chips_ratio, prefill.result.rhs / decode.result.rhs),
    steps=(
        Step(
            "as large a batch as one likes: weights are shared by ever more sequences",
            limit(micro_batch, oo),
            equation(
                chips_ratio,
                prompt
                * flops_per_mac
                * active_parameters
                * memory_bandwidth
                / (answer * context * kv_bytes * peak_flops),
            ),
        ),
    ),
    assumes=("F is that of the chips that prefill, W that of those that decode; they may differ",),
    sources=(LECTURE, DISTSERVE),
    example=v3,
    example_text=TEXT,
)

mixed = Derivation(
    name="mixed-request",
    title="Cost of a request where every pass mixes prefill and decode",
    rows=("7.3",),
    claim="A pass that computes prompts while it reads for answers leaves nothing idle, and hands nothing over.",
    start=phase_request.result,
    steps=(
        Step(
            "one balanced machine for the work of both phases",
            substitute(
                is_(q.step_flops, prefill_flops + decode_flops),
                is_(q.step_memory_bytes, prefill_bytes + decode_bytes),
                is_(q.step_link_bytes, 0),
            ),
            equation(
                request_cost,
                (
                    q.flops_price * (prefill_flops + decode_flops)
                    + memory_bandwidth_price * (prefill_bytes + decode_bytes)
                )
                / q.machine_life,
            ),
        ),
    ),
    assumes=("prompts are cut into pieces that fill every pass of decode evenly; full overlap of the two",),
    sources=(LECTURE, "Agrawal et al. 2024, Sarathi-Serve, arXiv 2403.02310"),
    example=v3,
    example_text=TEXT,
)

DERIVATIONS = (prefill, decode, ratio, mixed)


def value(expr: Expr) -> Callable[[], float]:
    return lambda: float(Scenario(v3()).evaluate(expr))


def inputs() -> Mapping[str, float | str]:
    """The work of a request, the prices, and the case."""
    names = (
        prefill_flops, prefill_bytes, decode_flops, decode_bytes, handed_bytes,
        q.flops_price, memory_bandwidth_price, q.link_price, prefill_memory_use, decode_compute_use,
    )  # fmt: skip
    return {symbol.name: v3()[symbol] for symbol in names} | {"case": TEXT}


def in_range(found: float) -> bool:
    """Whether the shared design is bound as assumed, and gains and ratios have a sign."""
    return found > 0 and v3()[prefill_memory_use] <= 1 and v3()[decode_compute_use] <= 1


CLAIMS = (
    Claim("7.3", "two designs at most halve the cost of a request", None, value(largest_gain.result.rhs), inputs,
          must=lambda found: found == 2),
    Claim("7.3", "one design over two, with minor needs and the hand-over: V3 at prices of 2026", None,
          value(shared_request.result.rhs / split_request.result.rhs), inputs,
          must=lambda found: in_range(found) and found < 2),
    Claim("7.3", "two designs over one whose passes mix both phases: never below one, by the hand-over: V3", None,
          value(split_request.result.rhs / mixed.result.rhs), inputs, must=lambda found: found >= 1),
    Claim("7.3", "two designs save, dollars per million requests: V3 at prices of 2026", None,
          lambda: 1e6 * value(saving.result.rhs)(), inputs, unit="$", must=in_range),
    Claim("7.3", "chips that prefill over chips that decode, GB200 for both: V3", None,
          value(prefill.result.rhs / decode.result.rhs), inputs, must=in_range),
    Claim("7.3", "chips that prefill over chips that decode in the large-batch limit: V3", None,
          value(ratio.result.rhs), inputs, must=in_range),
)  # fmt: skip
