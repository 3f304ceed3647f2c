"""Chapter 8, collectives: an all-to-all over two tiers, message by message."""

import sympy
from sympy import Expr, Symbol

from steptime.derivations.collectives.numbers import GSHARD, RACKS, domains_of
from steptime.derivations.collectives.symbols import across_bytes, group_bytes, share_bytes, up_bytes
from steptime.derivations.experts.formulas import many_domains
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.collectives import all_to_all
from steptime.model.symbols import scale_up_domain, stage_chips

exchanged = all_to_all(group_bytes, many_domains)
ALL_ALIKE = given(share_bytes, group_bytes / stage_chips, "a chip has an equal share for every chip, itself included")
peer = Symbol("i", integer=True, positive=True)


def messages(number: Expr) -> sympy.Sum:
    """A share to each of so many chips."""
    return sympy.Sum(share_bytes, (peer, 1, number))


def sent(symbol: Symbol, number: Expr, whom: str, result: Expr) -> tuple[Defined, tuple[Step, ...]]:
    """The bytes of one message to each of so many chips, and how they become the model's."""
    bytes_sent = number * share_bytes
    steps = (
        Step("as many messages as chips", total(messages(number), bytes_sent), equation(symbol, bytes_sent)),
        Step("equal shares: what the model's all-to-all sends", substitute(ALL_ALIKE), equation(symbol, result)),
    )
    return Defined(symbol, messages(number), f"the bytes of one share to each {whom}"), steps


to_own, to_others = (
    sent(up_bytes, scale_up_domain - 1, "other chip of the domain", exchanged.scale_up),
    sent(across_bytes, stage_chips - scale_up_domain, "chip of the other domains", exchanged.scale_out),
)

exchange_inside = Derivation(
    name="all-to-all-inside",
    title="Bytes of an all-to-all on scale-up",
    rows=("8.6",),
    claim="A chip sends a share to each of the S - 1 others of its domain.",
    start=to_own[0],
    steps=to_own[1],
    assumes=(ALL_ALIKE,),
    sources=(GSHARD,),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
)

exchange_across = Derivation(
    name="all-to-all-across",
    title="Bytes of an all-to-all on scale-out",
    rows=("8.6",),
    claim="A chip sends a share to each of the E - S chips of other domains.",
    start=to_others[0],
    steps=to_others[1],
    assumes=(ALL_ALIKE,),
    sources=(GSHARD,),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
    holds=(at_least(stage_chips, scale_up_domain),),
)

DERIVATIONS = (exchange_inside, exchange_across)
