"""Chapter 7, when disaggregation wins: what two machine designs save, up to which hand-over, and how much at most."""

from dataclasses import replace

from sympy import Expr, Integer, Rational, Symbol, sqrt

from steptime.derivations.facts import Chosen, Compared, Crossing, Defined, Modelled, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.machine import formulas
from steptime.derivations.rules import equation, extreme, minimise, solve_for, substitute
from steptime.derivations.steps import Step
from steptime.model.symbols import flops_price, link_price, machine_life

from steptime.derivations.machine.split import (  # isort: skip
    DECODE_PRICE, PREFILL_PRICE, proof, shared_design, shared_request, split_request, v3,
)  # fmt: skip
from steptime.derivations.machine.symbols import (  # isort: skip
    bytes_per_flop, cost_over_saving, decode_bytes, decode_compute_use, decode_flops, handed_bytes,
    memory_bandwidth_price, most_handed_bytes, prefill_bytes, prefill_flops, prefill_memory_use, spend_ratio,
    split_gain, split_saving,
)  # fmt: skip

USES = (
    Defined(
        prefill_memory_use,
        prefill_bytes / (prefill_flops * bytes_per_flop),
        "what prefill uses of the shared bandwidth",
    ).for_(prefill_bytes),
    Defined(
        decode_compute_use, decode_flops * bytes_per_flop / decode_bytes, "what decode uses of the shared FLOP/s"
    ).for_(decode_flops),
)
BEST = shared_design.result.rhs
ON_BEST = instance(
    shared_design,
    {
        prefill_bytes: prefill_memory_use * prefill_flops * BEST,
        decode_flops: decode_compute_use * decode_bytes / BEST,
    },
)
"""The best shared design where the minor needs are so many shares of what it has."""

BOTH = sqrt(PREFILL_PRICE) * sqrt(DECODE_PRICE)
IDLE = 2 * BOTH - flops_price * decode_flops - memory_bandwidth_price * prefill_bytes
MINOR = (
    flops_price * decode_compute_use * decode_bytes / bytes_per_flop
    + memory_bandwidth_price * prefill_memory_use * prefill_flops * bytes_per_flop
)
UNUSED = (2 - prefill_memory_use - decode_compute_use) * sqrt(PREFILL_PRICE * DECODE_PRICE)
# what stands idle on the shared design, in dollar-seconds, and the minor needs; shorthands in the lines below
IN_SHARES = "the minor needs, as shares of the time that each phase takes on the shared design"


def with_shares(left: Symbol, one: Expr, other: Expr) -> tuple[Step, Step]:
    """The minor needs as shares, on any shared design and then on the best."""
    return (
        Step(IN_SHARES, substitute(*USES), equation(left, one)),
        Step("which is the best one", substitute(ON_BEST), equation(left, other)),
    )


saving = proof(
    "split-saving",
    "When two designs win",
    "Two designs win if, and only if, handing over the KV cache costs less than what idles on the shared one.",
    Modelled(split_saving, formulas.saving),
    Step(
        "put in both costs",
        substitute(shared_request, split_request),
        equation(split_saving, (IDLE - link_price * handed_bytes) / machine_life),
    ),
    *with_shares(
        split_saving,
        (2 * BOTH - MINOR - link_price * handed_bytes) / machine_life,
        (UNUSED - link_price * handed_bytes) / machine_life,
    ),
    holds=(at_least(UNUSED, link_price * handed_bytes),),
)

break_even = proof(
    "split-break-even",
    "The largest KV cache that is worth handing over",
    "Below it two designs win, above it one: what idles on the shared design pays for so many bytes.",
    Crossing(
        shared_request,
        split_request,
        "a request costs as much on one design as on two",
        over=handed_bytes,
        at=most_handed_bytes,
    ),
    Step("solve for the bytes", solve_for(most_handed_bytes), equation(most_handed_bytes, IDLE / link_price)),
    *with_shares(most_handed_bytes, (2 * BOTH - MINOR) / link_price, UNUSED / link_price),
)

NEEDS = {
    prefill_memory_use: "prefill uses as little bandwidth",
    decode_compute_use: "decode uses as few FLOP/s",
    handed_bytes: "as few bytes are handed over",
}
SPLIT_SPEND = PREFILL_PRICE + DECODE_PRICE
SHARED_SPEND = (sqrt(PREFILL_PRICE) + sqrt(DECODE_PRICE)) ** 2


def less_of(one: Symbol, remains: Expr) -> Step:
    """The most that is won as one of the needs that two designs pay for vanishes."""
    why = f"the less there is of {one.name.replace('_', ' ')}, the more is won"
    return Step(why, extreme(at_least(one, 0), least=False), equation(split_gain, SHARED_SPEND / remains))


gain = proof(
    "split-gain",
    "How much two designs can win at most",
    "With no minor needs and a free hand-over the gain depends only on how the spend divides.",
    Compared(split_gain, shared_request, split_request, "the cost of a request on one design over that on two"),
    *with_shares(
        split_gain,
        SHARED_SPEND / (SPLIT_SPEND + MINOR + link_price * handed_bytes),
        SHARED_SPEND / (SPLIT_SPEND + (prefill_memory_use + decode_compute_use) * BOTH + link_price * handed_bytes),
    ),
    less_of(prefill_memory_use, SPLIT_SPEND + decode_compute_use * BOTH + link_price * handed_bytes),
    less_of(decode_compute_use, SPLIT_SPEND + link_price * handed_bytes),
    less_of(handed_bytes, SPLIT_SPEND),
    Step(
        "decode's spend as a multiple of prefill's",
        substitute(
            Defined(
                spend_ratio,
                DECODE_PRICE / PREFILL_PRICE,
                "what decode spends on bandwidth over what prefill does on FLOP/s",
            ).for_(decode_bytes)
        ),
        equation(split_gain, (1 + sqrt(spend_ratio)) ** 2 / (1 + spend_ratio)),
    ),
    assumes=tuple(Chosen(one, f"{what}, as is best for two designs", least=False) for one, what in NEEDS.items()),
)

EVEN = Chosen(spend_ratio, "the spend divides so that two designs cost least over what they save")
OVER_SAVING = Defined(cost_over_saving, 1 / (split_gain - 1), "the cost on two designs over what they save")

even_spend = proof(
    "split-gain-even",
    "The spend at which two designs win most",
    "Two designs win most where both phases need machines of the same price.",
    gain,
    Step(
        "two designs cost so much over what they save",
        substitute(OVER_SAVING.for_(split_gain)),
        equation(1 + 1 / cost_over_saving, (1 + sqrt(spend_ratio)) ** 2 / (1 + spend_ratio)),
    ),
    Step(
        "solve for that: a rising and a falling part",
        solve_for(cost_over_saving),
        equation(cost_over_saving, sqrt(spend_ratio) / 2 + spend_ratio ** Rational(-1, 2) / 2),
    ),
    Step("least", minimise(spend_ratio), equation(spend_ratio, Integer(1))),
    assumes=(EVEN,),
)

largest_gain = replace(
    proof(
        "split-gain-largest",
        "Two designs at best halve the cost",
        "With even spend one design pays for everything twice: the gain is two.",
        gain,
        Step("even spend", substitute(even_spend), equation(split_gain, Integer(2))),
    ),
    example=lambda: {**v3(), spend_ratio: 1.0},
    example_text="any machine on which both phases are worth the same and need nothing of each other's; two designs "
    "that get their caches for nothing",
)

DERIVATIONS = (saving, break_even, gain, even_spend, largest_gain)
