"""Chapter 9, serving: caches that decode keeps beyond a chip's memory and reads over a link, in every step."""

from collections.abc import Mapping
from functools import partial

from sympy import S, Symbol, oo

from steptime.derivations.axioms import LINK_BESIDE, MEMORY_FULL
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, Tends, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, identity, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import link_bandwidth, memory_bandwidth, memory_capacity

from steptime.derivations.serving.symbols import (  # isort: skip
    full_read_time, kv_off_chip, offload_gain, offload_speed, offload_time, resident_weights,
)  # fmt: skip

SHENG = "Sheng et al. 2023, FlexGen, arXiv 2303.06865: caches beyond the chip bound by the link"
GRACE = "NVIDIA 2022, Grace Hopper Superchip architecture whitepaper: NVLink-C2C 900 GB/s in both directions"
H200 = "an H200 of 141 GB and 4.8 TB/s, 100 GB of weights on it, and a PCIe 5 link of 55.4 GB/s to its host"


def host(link: float = 55.4e9, off: float = 1.6e9) -> Mapping[Symbol, float]:
    """A chip whose weights leave so much room, a link to its host, and caches beyond."""
    return {
        memory_capacity: 141e9,
        memory_bandwidth: 4.8e12,
        resident_weights: 100e9,
        link_bandwidth: link,
        kv_off_chip: off,
        offload_gain: 1.1,
    }


room = memory_capacity - resident_weights
"""What weights leave for caches on the chip."""

FULL = Defined(full_read_time, memory_capacity / memory_bandwidth, "all of a chip's memory, read once")
ARRIVES = Defined(offload_time, kv_off_chip / link_bandwidth, "the bytes kept beyond the chip, over the link")

free = Derivation(
    name="offload-for-nothing",
    title="Caches beyond a chip's memory that cost no time",
    rows=("9.11",),
    claim="What a link brings while the chip reads its own memory once: a share of the memory as small as the link is "
    "slower than the memory.",
    start=Crossing(ARRIVES, FULL, "the link takes as long as the chip's own memory, all of it read once"),
    steps=(
        Step(
            "solve for the bytes",
            solve_for(kv_off_chip),
            equation(kv_off_chip, memory_capacity * link_bandwidth / memory_bandwidth),
        ),
    ),
    assumes=(MEMORY_FULL, LINK_BESIDE),
    sources=(SHENG,),
    example=host,
    example_text=H200,
)

MORE = Defined(offload_gain, (room + kv_off_chip) / room, "caches on the chip and beyond, over those on it")

gain = Derivation(
    name="offload-gain",
    title="Sequences gained by caches beyond a chip's memory, at the same step time",
    rows=("9.11",),
    claim="Little where weights leave much room, much where they leave little: but then it is the room that is short, "
    "and another chip brings more of it.",
    start=MORE,
    steps=(
        Step(
            "as much as costs no time",
            substitute(free),
            equation(offload_gain, 1 + link_bandwidth / memory_bandwidth * memory_capacity / room),
        ),
    ),
    assumes=(),
    sources=(SHENG,),
    example=host,
    example_text=H200,
    holds=(more(memory_capacity, resident_weights),),
)

needed = Derivation(
    name="link-for-offload",
    title="The link that lets a chip carry so many more sequences",
    rows=("9.11",),
    claim="As large a share of the memory's bandwidth as the sequences beyond take of the chip's memory.",
    start=gain,
    steps=(
        Step(
            "solve for the link",
            solve_for(link_bandwidth),
            equation(link_bandwidth, (offload_gain - 1) * memory_bandwidth * room / memory_capacity),
        ),
    ),
    assumes=(),
    sources=(SHENG,),
    example=partial(host, 55.4e9, 4.1e9),
    example_text=f"{H200}; a tenth more sequences",
    holds=(more(memory_capacity, resident_weights), more(offload_gain, 1)),
)

BOUND = Defined(
    offload_speed,
    (room + kv_off_chip) / room * (memory_capacity / memory_bandwidth) / (kv_off_chip / link_bandwidth),
    "more sequences, in steps as long as the link takes, over those on the chip in steps that read its memory once",
)

beyond = Derivation(
    name="offload-beyond",
    title="Tokens a second where the link takes longer than the memory",
    rows=("9.11",),
    claim="Each byte more beyond the chip adds a sequence and lengthens every step: past the balance it always loses.",
    start=BOUND,
    steps=(
        Step(
            "one over either",
            identity(),
            equation(
                offload_speed,
                memory_capacity * link_bandwidth / memory_bandwidth * (1 / room + 1 / kv_off_chip),
            ),
        ),
    ),
    assumes=(MEMORY_FULL, LINK_BESIDE),
    sources=(SHENG,),
    example=partial(host, 55.4e9, 10e9),
    example_text=f"{H200}; 10 GB of caches beyond",
    holds=(more(memory_capacity, resident_weights),),
)

AS_MANY = given(offload_speed, 1, "as many tokens a second as without caches beyond the chip")
even = Derivation(
    name="offload-even",
    title="Caches beyond a chip's memory from which it serves less than without",
    rows=("9.11",),
    claim="The harmonic way round: little beyond what costs no time, where that is a small part of the room.",
    start=beyond,
    steps=(
        Step(
            "no gain",
            substitute(AS_MANY),
            equation(S.One, memory_capacity * link_bandwidth / memory_bandwidth * (1 / room + 1 / kv_off_chip)),
        ),
        Step(
            "solve for the bytes",
            solve_for(kv_off_chip),
            equation(
                kv_off_chip,
                memory_capacity * link_bandwidth * room / (memory_bandwidth * room - memory_capacity * link_bandwidth),
            ),
        ),
    ),
    assumes=(AS_MANY,),
    sources=(SHENG,),
    example=host,
    example_text=H200,
    holds=(more(memory_bandwidth * room, memory_capacity * link_bandwidth),),
)

ALL_BEYOND = Tends(kv_off_chip, oo, "ever more caches lie beyond the chip")
all_off = Derivation(
    name="offload-everything",
    title="Tokens a second with ever more caches beyond a chip's memory",
    rows=("9.11",),
    claim="The link's bytes a second over those that memory has for caches: a chip that waits for its host.",
    start=beyond,
    steps=(
        Step(
            "ever more of them",
            limit(kv_off_chip, oo),
            equation(offload_speed, link_bandwidth * memory_capacity / (memory_bandwidth * room)),
        ),
    ),
    assumes=(ALL_BEYOND,),
    sources=(SHENG,),
    example=host,
    example_text=H200,
    holds=(more(memory_capacity, resident_weights),),
)
DERIVATIONS = (free, gain, needed, beyond, even, all_off)


def _serves(off: float) -> float:
    """Tokens a second with so many bytes beyond, over those without, by the time of a step."""
    values = host(off=off)
    left = values[memory_capacity] - values[resident_weights]
    alone = values[memory_capacity] / values[memory_bandwidth]
    return (left + off) / left * alone / max(alone, off / values[link_bandwidth])


def _most() -> float:
    """What the best number of bytes beyond serves, of many tried, over what those serve that cost no time."""
    return max(_serves(1e7 * step) for step in range(1, 5000)) / _serves(free.evaluate())


def _for_nothing(link: float) -> float:
    return float(Scenario(host(link)).evaluate(free.result.rhs))


def _inputs() -> dict[str, float]:
    return {symbol.name: value for symbol, value in host().items() if symbol not in (kv_off_chip, offload_gain)}


CLAIMS = (
    Claim(
        "9.11",
        "An H200 with 100 GB of weights: the most that any caches beyond it serve, over the theorem's",
        None,
        _most,
        _inputs,
        source=Source.OWN,
        must=lambda value: 0.999 < value <= 1 + 1e-9,
    ),
    Claim(
        "9.11",
        "The same: what it serves where caches beyond begin to lose, over what it serves without",
        None,
        lambda: _serves(even.evaluate()),
        _inputs,
        source=Source.OWN,
        must=lambda value: abs(value - 1) < 1e-9,
    ),
    Claim(
        "9.11",
        "Caches that cost no time over a chip-to-chip link, 450 GB/s one way, over those over PCIe 5, 63 GB/s "
        f"({GRACE}: 7 times its bandwidth)",
        7.0,
        lambda: _for_nothing(450e9) / _for_nothing(63e9),
        _inputs,
        source=Source.PAPER,
        wording=Wording.ABOUT,
    ),
)
