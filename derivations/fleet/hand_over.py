"""Chapter 13, fleets: caches handed over from chips that prefill to chips that decode, layer by layer."""

from functools import partial

from sympy import Expr, Max

from steptime.derivations.axioms import BUSY_SHARE, CACHES_FOLLOW, EVEN_PREFILL
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, Given, Modelled, given
from steptime.derivations.fleet.numbers import APART, DISTSERVE, HANDED, MOONCAKE, SLOW, handed, opt
from steptime.derivations.fleet.split import RATIO
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, branch, equation, identity, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.fleet import split
from steptime.model.scenario import Scenario
from steptime.model.symbols import kv_bytes, layers, prompt

from steptime.derivations.fleet.symbols import (  # isort: skip
    handed_before, handed_with, layer_number, layer_sending, layer_work,
)  # fmt: skip
from steptime.model.fleet.symbols import (  # isort: skip
    chips_ratio, decode_chips, decode_load, decode_work, exposed_time, hand_bandwidth, handed_after, prefill_chips,
    prompt_rate, prompt_time, served_requests,
)  # fmt: skip

SOURCES = (DISTSERVE, MOONCAKE)
WORLD = (CACHES_FOLLOW, EVEN_PREFILL)
SECOND = Given(more(layer_number, 1), "there is a layer before it")
sending = kv_bytes * prompt / hand_bandwidth
computed = layer_number * layer_work


def one_layer(name: str, hidden: bool) -> Derivation:
    """One layer more: from what is so for all before it, by induction. The first is sent once it is computed."""
    slow, quick = (layer_work, layer_sending) if hidden else (layer_sending, layer_work)
    before, after = quick + (layer_number - 1) * slow, quick + layer_number * slow
    so_far = given(handed_before, before, "it is so for all layers before, as for the first alone")
    waits = Max(handed_before, computed)
    put = waits.xreplace({handed_before: before})
    so = "the link waits for each layer, and only the last one's cache is sent after it"
    return Derivation(
        name=name,
        title=f"One layer more, which takes longer to {'compute' if hidden else 'hand over'}",
        rows=("13.3",),
        claim=f"By induction over layers: {so if hidden else 'the link never rests once the first layer is computed'}.",
        start=Defined(handed_with, waits + layer_sending, "a layer's cache waits for the layer and for the one before"),
        steps=(
            Step("as for all before it", substitute(so_far), equation(handed_with, put + layer_sending)),
            Step(
                "the layer is computed later" if hidden else "the one before is sent later",
                branch(put, computed if hidden else before),
                equation(handed_with, after),
            ),
        ),
        assumes=(*WORLD, so_far, SECOND),
        sources=SOURCES,
        example=lambda: {layer_number: 80.0, layer_work: 3.75e-3, layer_sending: 0.34e-3 if hidden else 5.6e-3},
        example_text=HANDED if hidden else SLOW,
        holds=(at_least(slow, quick),),
    )


hidden_layer, exposed_layer = one_layer("layer-hidden", hidden=True), one_layer("layer-exposed", hidden=False)

EXPOSED = Defined(exposed_time, handed_after - prompt_time, "until the cache is handed over, less the prefill")
slower = Max(prompt_time, sending)


def exposed(name: str, title: str, claim: str, takes: Expr, gives: Expr, other: Expr) -> Derivation:
    """What handing over adds to the time of the first token."""
    return Derivation(
        name=name,
        title=title,
        rows=("13.3",),
        claim=claim,
        start=EXPOSED,
        steps=(
            Step(
                "the first layer, the last one's cache, and between them the slower of both",
                substitute(Modelled(handed_after, split.handed_over)),
                equation(exposed_time, split.handed_over - prompt_time),
            ),
            Step(
                "the slower of both",
                branch(slower, takes),
                equation(exposed_time, split.handed_over.xreplace({slower: takes}) - prompt_time),
            ),
            Step("what is left", identity(), equation(exposed_time, gives)),
        ),
        assumes=WORLD,
        sources=SOURCES,
        example=handed if takes == prompt_time else partial(handed, 3e9),
        example_text=HANDED if takes == prompt_time else SLOW,
        holds=(at_least(takes, other),),
    )


hidden = exposed(
    "hand-over-hidden",
    "What handing over a cache adds where prefill hides it",
    "Only the last layer's cache is sent once the prefill is over.",
    prompt_time,
    sending / layers,
    sending,
)
open_ = exposed(
    "hand-over-exposed",
    "What handing over a cache adds where it takes longer than the prefill",
    "The first token waits for the link: for all bytes, less the layers after the first that prefill meanwhile.",
    sending,
    sending - prompt_time + prompt_time / layers,
    prompt_time,
)

enough = Derivation(
    name="hand-over-bandwidth",
    title="The bandwidth that hides a cache behind its prefill",
    rows=("13.3",),
    claim="Bytes of cache a token times tokens per second of prefill: neither the prompt's length nor layers matter.",
    start=Crossing(
        Modelled(handed_after, split.handing_time),
        Defined(prompt_time, prompt / prompt_rate, "the tokens of a prompt over those prefilled a second"),
        "the cache takes as long to hand over as to compute",
    ),
    steps=(
        Step("solve for the bandwidth", solve_for(hand_bandwidth), equation(hand_bandwidth, kv_bytes * prompt_rate)),
    ),
    assumes=WORLD,
    sources=SOURCES,
    example=handed,
    example_text=HANDED,
)

linked = Derivation(
    name="split-ratio-by-links",
    title="Chips that prefill to chips that decode where links hand over too slowly",
    rows=("13.3",),
    claim="Chips are then bought for their links: as many more as the link takes longer for a cache than the prefill.",
    start=Crossing(
        Modelled(served_requests, split.links_serve),
        Modelled(served_requests, split.decode_serves),
        "links hand over as many caches as are decoded",
    ),
    steps=(
        Step(
            "solve for the chips that prefill",
            solve_for(prefill_chips),
            equation(prefill_chips, decode_chips * decode_load * kv_bytes * prompt / (decode_work * hand_bandwidth)),
        ),
        Step(
            "by the ratio",
            substitute(RATIO.for_(prefill_chips)),
            equation(
                chips_ratio * decode_chips,
                decode_chips * decode_load * kv_bytes * prompt / (decode_work * hand_bandwidth),
            ),
        ),
        Step(
            "for one chip that decodes",
            both_sides(side / decode_chips),
            equation(chips_ratio, decode_load * kv_bytes * prompt / (decode_work * hand_bandwidth)),
        ),
    ),
    assumes=(BUSY_SHARE, CACHES_FOLLOW),
    sources=SOURCES,
    example=partial(handed, 3e9),
    example_text=f"{SLOW}; {APART}",
    holds=(more(kv_bytes, 0),),
)

DERIVATIONS = (hidden_layer, exposed_layer, hidden, open_, enough, linked)

CLAIMS = (
    Claim(
        "13.3",
        "bandwidth that hides the caches of 10 requests a second of 512 tokens: OPT-66B (DistServe, 90 Gbit/s)",
        90e9 / 8,
        lambda: float(Scenario(opt()).evaluate(enough.result.rhs)),
        lambda: {symbol.name: value for symbol, value in opt().items()},
        Wording.ABOUT,
        Source.PAPER,
        "B/s",
    ),
)
