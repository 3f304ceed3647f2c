"""Chapter 7, how many chips prefill and how many decode; what two designs save for a real request."""

from collections.abc import Callable, Mapping

from sympy import Expr, Symbol, oo

from steptime.derivations.axioms import CACHES_FIT, PIECES_FILL, STEADY_REQUESTS
from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.batch.terms import BINDS, EVER_MORE, compute_term, memory_term
from steptime.derivations.board import ONE_STAGE, READS_ALL
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Compared, Fact, Modelled, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.machine import formulas
from steptime.derivations.machine.gain import break_even, largest_gain, saving
from steptime.derivations.machine.machine import LECTURE
from steptime.derivations.rules import equation, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.fleet.symbols import chips_ratio, decode_chips, prefill_chips
from steptime.model.scenario import Scenario

from steptime.derivations.machine.split import (  # isort: skip
    ANSWER, DISTSERVE, PROMPT, PROMPTS_PER_PASS, V3, phase_request, shared_request, split_request,
)  # fmt: skip
from steptime.derivations.machine.split import v3 as split_v3

from steptime.derivations.machine.symbols import (  # isort: skip
    decode_bytes, decode_compute_use, decode_flops, handed_bytes, memory_bandwidth_price, prefill_bytes, prefill_flops,
    prefill_memory_use, request_cost, request_rate,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, answer, bytes_per_weight, context, flops_per_mac, kv_bytes, memory_bandwidth, micro_batch,
    parameters, parameters_read, peak_flops, prompt,
)  # fmt: skip

REQUESTS = 100.0
TEXT = f"{V3}; {REQUESTS:.0f} requests a second"
BOTH_PHASES = (
    given(q.step_flops, prefill_flops + decode_flops, "a pass computes for prompts and answers"),
    given(q.step_memory_bytes, prefill_bytes + decode_bytes, "a pass reads for prompts and answers"),
    given(q.step_link_bytes, 0, "nothing is handed over"),
)


def v3() -> Mapping[Symbol, float]:
    return {**split_v3(), prompt: float(PROMPT), answer: float(ANSWER), request_rate: REQUESTS}


def prefill_v3() -> Mapping[Symbol, float]:
    """The same, its passes those of prefill: all tokens of some prompts, of which none has a cache yet."""
    return {**v3(), micro_batch: float(PROMPTS_PER_PASS * PROMPT), context: 0.0}


def busy_chips(name: str, start: Modelled, time: Symbol, term: Fact, gives: Expr) -> Derivation:
    """Chips that one phase keeps busy."""
    per_token = q.stage_chips * time / micro_batch
    tokens = request_rate * (prompt if start.symbol == prefill_chips else answer)
    return Derivation(
        name=f"{name}-chips",
        title=f"Chips that {name} keeps busy",
        rows=("7.3",),
        claim="As many chips as tokens arrive a second, times the chip-seconds of a token.",
        start=start,
        steps=(
            Step(
                "one pipeline stage; the term that binds",
                substitute(*ONE_STAGE, BINDS[time]),
                equation(start.symbol, tokens * per_token),
            ),
            Step("put in the term", substitute(term), equation(start.symbol, gives)),
        ),
        assumes=(STEADY_REQUESTS, *ONE_STAGE, BINDS[time]),
        sources=(LECTURE, DISTSERVE),
        example=prefill_v3 if start.symbol == prefill_chips else v3,
        example_text=TEXT,
    )


prefill = busy_chips(
    "prefill",
    Modelled(prefill_chips, formulas.chips_to_prefill),
    q.compute_time,
    compute_term,
    request_rate * prompt * flops_per_mac * active_parameters / peak_flops,
)
decode = busy_chips(
    "decode",
    Modelled(decode_chips, formulas.chips_to_decode),
    memory_time,
    memory_term,
    request_rate * answer * (bytes_per_weight * parameters_read / micro_batch + context * kv_bytes) / memory_bandwidth,
)

ratio = Derivation(
    name="chips-ratio",
    title="Chips that prefill to chips that decode",
    rows=("7.3",),
    claim="The rate of requests cancels: only their shape and the two kinds of chips decide how many of each.",
    start=Compared(chips_ratio, prefill, decode, "chips that prefill over chips that decode"),
    steps=(
        Step(
            "every weight is read",
            substitute(READS_ALL),
            equation(
                chips_ratio,
                prompt
                * flops_per_mac
                * active_parameters
                * memory_bandwidth
                / (answer * peak_flops * (bytes_per_weight * parameters / micro_batch + context * kv_bytes)),
            ),
        ),
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
    assumes=(CACHES_FIT, READS_ALL, EVER_MORE),
    sources=(LECTURE, DISTSERVE),
    example=v3,
    example_text=TEXT,
    holds=(more(kv_bytes, 0),),
)

mixed = Derivation(
    name="mixed-request",
    title="Cost of a request where every pass mixes prefill and decode",
    rows=("7.3",),
    claim="A pass that computes prompts while it reads for answers leaves nothing idle, and hands nothing over.",
    start=phase_request,
    steps=(
        Step(
            "one balanced machine for the work of both phases",
            substitute(*BOTH_PHASES),
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
    assumes=(PIECES_FILL, *BOTH_PHASES),
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


def bound_as_assumed() -> bool:
    """Whether prefill is bound by compute on the shared design, and decode by memory."""
    return v3()[prefill_memory_use] <= 1 and v3()[decode_compute_use] <= 1


def own(statement: str, ours: Callable[[], float], must: Callable[[float], bool], unit: str = "") -> Claim:
    """A check of our own; every number of this row is for a request of ours at prices of 2026."""
    return Claim("7.3", statement, None, ours, inputs, source=Source.OWN, unit=unit,
                 must=lambda found: must(found) and bound_as_assumed())  # fmt: skip


def one_over_two() -> float:
    return value(shared_request.result.rhs / split_request.result.rhs)()


def worth_handing() -> float:
    """The largest KV cache that is worth handing over, over the one that is."""
    return value(break_even.result.rhs / handed_bytes)()


CLAIMS = (
    own("two designs at most halve the cost of a request", value(largest_gain.result.rhs),
        lambda found: found == 2 and one_over_two() < 2),
    own("one design over two, with minor needs and the hand-over: V3 at prices of 2026", one_over_two,
        lambda found: (1 < found < 2 and worth_handing() > 1) or (found < 1 and worth_handing() < 1)),
    own("the largest KV cache that is worth handing over, over V3's: two designs win above one", worth_handing,
        lambda found: (found > 1) == (one_over_two() > 1)),
    own("two designs over one whose passes mix both phases: never below one, by the hand-over: V3",
        value(split_request.result.rhs / mixed.result.rhs), lambda found: found >= 1),
    own("two designs save, dollars per million requests: V3 at prices of 2026",
        lambda: 1e6 * value(saving.result.rhs)(), lambda found: (found > 0) == (worth_handing() > 1), unit="$"),
    own("chips that prefill over chips that decode, GB200 for both: V3",
        value(prefill.result.rhs / decode.result.rhs), lambda found: 0 < found < value(ratio.result.rhs)()),
    own("chips that prefill over chips that decode in the large-batch limit: V3", value(ratio.result.rhs),
        lambda found: found > value(prefill.result.rhs / decode.result.rhs)()),
)  # fmt: skip
