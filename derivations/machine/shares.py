"""Chapter 7, where the money goes: the share of each resource in what a balanced machine costs."""

from collections.abc import Callable, Mapping

from sympy import Expr, Symbol

from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Best, Defined, Modelled, Solved
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.machine import formulas
from steptime.derivations.machine import symbols as own
from steptime.derivations.machine.machine import LECTURE, LEFT, PRICED_WORK, V3, balanced_machine, v3
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.machine.costs import (  # isort: skip
    B200_MADE, GB200_LEAST_MEMORY, GB200_RACK, H100_MADE, H100_SOLD, MI300X_MADE, Parts, machine_numbers,
)  # fmt: skip
from steptime.derivations.machine.symbols import (  # isort: skip
    capacity_price, capacity_share, machine_memory_bandwidth, memory_bandwidth_price,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    budget, flops_price, link_price, stack_bandwidth, stack_capacity, step_flops, step_link_bytes, step_memory_bytes,
)  # fmt: skip

BY_CAPACITY = Solved(Modelled(capacity_share, formulas.share_on_capacity), capacity_price)
"""The price of a byte by the share of the budget that capacity takes."""


def spend_share(name: str, share: Symbol, part: Expr, resource: Symbol, work: Expr) -> Derivation:
    """The share of a resource in what a balanced machine costs: its term's multiplier, less what capacity takes."""
    return Derivation(
        name=f"{name}-share",
        title=f"Share of the budget spent on {name}",
        rows=("7.1",),
        claim="What capacity leaves of the budget is shared out as price times work.",
        start=Modelled(share, part),
        steps=(
            Step(
                "as much of the resource as is best",
                substitute(Best(balanced_machine, resource)),
                equation(share, work / PRICED_WORK * LEFT / budget),
            ),
            Step(
                "by the share that capacity takes",
                substitute(BY_CAPACITY),
                equation(share, (1 - capacity_share) * work / PRICED_WORK),
            ),
        ),
        assumes=(),
        sources=(LECTURE,),
        example=v3,
        example_text=V3,
        holds=(more(1, capacity_share),),
    )


compute_share = spend_share(
    "compute", own.compute_share, formulas.share_on_compute, q.machine_flops, flops_price * step_flops
)
memory_share = spend_share(
    "memory", own.memory_share, formulas.share_on_memory, machine_memory_bandwidth,
    memory_bandwidth_price * step_memory_bytes,
)  # fmt: skip
link_share = spend_share(
    "links", own.link_share, formulas.share_on_links, q.machine_link_bandwidth, link_price * step_link_bytes
)

bandwidth_price = Derivation(
    name="bandwidth-price",
    title="What a byte per second of stacked memory costs",
    rows=("7.1",),
    claim="A stack sells bytes and bytes/s together: a byte/s costs what a byte does, times the stack's drain time.",
    start=Modelled(memory_bandwidth_price, formulas.price_of_bandwidth),
    steps=(
        Step(
            "a stack is sold by the byte",
            substitute(
                Defined(capacity_price, q.stack_price / stack_capacity, "the price of a stack over its bytes").for_(
                    q.stack_price
                )
            ),
            equation(memory_bandwidth_price, capacity_price * stack_capacity / stack_bandwidth),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=lambda: {**v3(), capacity_price: 15.1e-9, q.stack_price: 15.1e-9 * v3()[stack_capacity]},
    example_text="HBM3e at 15.1 dollars per GB (siliconanalysts.com, June 2026), in the eight stacks of a GB200",
    regime=("bandwidth decides how many stacks are bought; their capacity comes with it",),
)

DERIVATIONS = (compute_share, memory_share, link_share, bandwidth_price)

CASE = "DeepSeek-V3 on a whole GB200 NVL72, context 4096, 4096 sequences"


def of_three(parts: Parts) -> float:
    """Memory's share of what the three resources of the balanced machine cost."""
    values = machine_numbers("deepseek-v3", "gb200-nvl72", parts, layout="dp=72,ep=72", context=4096, batch=4096)
    return float(Scenario(values).evaluate(memory_share.result.rhs))


def of_all(parts: Parts) -> float:
    """Memory's share of a whole balanced machine, where all that is no resource keeps its share of the price. Of memory
    HBM alone is counted."""
    return of_three(parts) * (1 - parts.other / parts.whole)


def sum_of_shares() -> float:
    """All shares of a balanced machine whose capacity is bought apart, for a twentieth of the budget."""
    values = Scenario({**v3(), capacity_share: 0.05})
    return 0.05 + sum(float(values.evaluate(one.result.rhs)) for one in (compute_share, memory_share, link_share))


def inputs(parts: Parts, said_by: str = "") -> Callable[[], Mapping[str, float | str]]:
    """The unit prices and the work that went in, and who said what it is held against."""

    def found() -> Mapping[str, float | str]:
        dollars = {"FLOP/s": parts.compute, "memory": parts.memory, "links": parts.links, "the rest": parts.other}
        work = {one.name: v3()[one] for one in (step_flops, step_memory_bytes, step_link_bytes)}
        said = {"said by": said_by} if said_by else {}
        return {f"{name}, dollars a chip": paid for name, paid in dollars.items()} | work | said | {
            "prices": parts.source, "case": CASE,
        }  # fmt: skip

    return found


def as_built(model: str, hardware: str, parts: Parts) -> Callable[[], float]:
    """Memory's share of a chip's dollars, its bandwidth at its unit price; capacity comes with it."""

    def share() -> float:
        values = machine_numbers(model, hardware, parts, layout="dp=32,ep=32", context=4096, batch=2048)
        return float(Scenario({**values, budget: parts.whole}).evaluate(formulas.share_on_memory))

    return share


def made(hardware: str, parts: Parts, published: float, statement: str, wording: Wording = Wording.EXACT) -> Claim:
    """A claim on a chip as it is built, by analysts' estimates."""
    return Claim(
        "7.1",
        statement,
        published,
        as_built("deepseek-v3", hardware, parts),
        lambda: {"memory, dollars": parts.memory, "all, dollars": parts.whole, "source": parts.source},
        wording,
        Source.PAPER,
        must=lambda value: 0 < value < 1,
    )


ENDS = (
    ("memory priced at what it costs to make, the least", GB200_LEAST_MEMORY),
    ("memory priced with its share of the chip's margin, the most", GB200_RACK),
)
"""What a buyer pays for memory lies between the two."""
SAID = (
    ("about half of the spend on FLOP/s, memory and links of a balanced machine is on memory", 0.5, of_three,
     Source.LECTURE, LECTURE),
    ("about half of the spend is on memory, of a whole balanced machine with its building", 0.5, of_all,
     Source.LECTURE, LECTURE),
    ("published: memory about 30 % of capital spending in 2026; a whole balanced machine", 0.3, of_all, Source.PAPER,
     "SemiAnalysis 2026, via cloudnews.tech"),
    ("forecast: memory about 50 % of capital spending in 2027; a whole balanced machine", 0.5, of_all, Source.PAPER,
     "SemiAnalysis and CLSA 2026, via news.y0.exchange"),
)  # fmt: skip


def at_an_end(
    statement: str, said: float, share: Callable[[Parts], float], source: Source, by: str, end: str, parts: Parts
) -> Claim:
    """What is said of memory's share, against one end of the interval that published prices leave."""
    return Claim(
        "7.1", f"{statement}: {end}", said, lambda: share(parts), inputs(parts, by), Wording.ABOUT, source,
        must=lambda value: 0 < value < 1,
    )  # fmt: skip


CLAIMS = (
    *(at_an_end(*said, end, parts) for said in SAID for end, parts in ENDS),
    Claim(
        "7.1",
        "half of the spend on FLOP/s, memory and links, between the least (0) and the most (1) that prices leave",
        None,
        lambda: (0.5 - of_three(GB200_LEAST_MEMORY)) / (of_three(GB200_RACK) - of_three(GB200_LEAST_MEMORY)),
        inputs(GB200_RACK),
        source=Source.OWN,
        must=lambda value: 0 < value < 1,
    ),
    Claim(
        "7.1",
        "the shares of a balanced machine, with 5 % of the budget for capacity, add up to the whole",
        None,
        sum_of_shares,
        inputs(GB200_RACK),
        source=Source.OWN,
        must=lambda value: abs(value - 1) < 1e-9,
    ),
    made(
        "h100-sxm",
        H100_SOLD,
        0.08,
        "published: memory about 8 % of spending in 2023-24; of an H100's selling price",
        Wording.ABOUT,
    ),
    made("h100-sxm", H100_MADE, 0.42, "HBM is 42 % of what an H100 costs to make"),
    made("b200-sxm", B200_MADE, 0.45, "HBM is 45 % of what a B200 costs to make"),
    made("mi300x", MI300X_MADE, 0.55, "HBM is 55 % of what an MI300X costs to make"),
)
