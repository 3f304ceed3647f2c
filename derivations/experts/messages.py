"""Chapter 2, mixture of experts on a rack: what chips send one another for a layer of experts, message by message."""

import sympy

from steptime.derivations.axioms import COPY_PER_EXPERT, EVEN_PLACEMENT, EVEN_TOKENS, UNIFORM
from steptime.derivations.experts import formulas
from steptime.derivations.experts.numbers import RACK, rack
from steptime.derivations.experts.symbols import chip_copies, exchange_bytes, experts_per_token, message_bytes
from steptime.derivations.facts import Defined, Expected
from steptime.derivations.rules import equation, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import combine_bytes, dispatch_bytes, stage_chips, width

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 2"
GSHARD = "Lepikhin et al. 2020, arXiv 2006.16668"
copy, chip = sympy.symbols("copy chip", integer=True, positive=True)


def messages(first: sympy.Expr | int, last: sympy.Expr) -> sympy.Sum:
    """One message to each of the chips with these numbers; the chip itself is the last of a domain."""
    return sympy.Sum(message_bytes, (chip, first, last))


copies_at_chip = Derivation(
    name="copies-at-a-chip",
    title="Copies of a token that go to one given chip",
    rows=("2.1",),
    claim="Each of a token's k copies is as likely to go to any of the E chips: one chip expects k/E of them.",
    start=Expected(
        chip_copies,
        copy,
        sympy.S.One,
        experts_per_token,
        1 / stage_chips,
        "how many of a token's copies go to one given chip, each of them with a chance of one in E",
    ),
    steps=(
        Step(
            "as many chances as copies",
            total(
                sympy.Sum(1 / stage_chips, (copy, 1, experts_per_token)),
                experts_per_token / stage_chips,
            ),
            equation(chip_copies, experts_per_token / stage_chips),
        ),
    ),
    assumes=(UNIFORM, EVEN_PLACEMENT, COPY_PER_EXPERT),
    sources=(LECTURE, GSHARD),
    example=rack,
    example_text=RACK,
)

message = Derivation(
    name="message-to-a-chip",
    title="What a chip sends to one other chip for the experts of a layer",
    rows=("2.1",),
    claim="Every chip sends every other the same on average: one part in E of all copies of its tokens, out and back.",
    start=Defined(
        message_bytes,
        formulas.tokens_per_chip * chip_copies * width * (dispatch_bytes + combine_bytes),
        "the copies of a chip's tokens that go to one other chip, and as many results for that chip's tokens",
    ),
    steps=(
        Step(
            "put in the copies that go to one chip",
            substitute(copies_at_chip),
            equation(message_bytes, formulas.copies_of_tokens / stage_chips),
        ),
    ),
    assumes=(EVEN_TOKENS,),
    sources=(LECTURE, GSHARD),
    example=rack,
    example_text=RACK,
)

in_one_domain = Derivation(
    name="expert-exchange",
    title="What a chip sends to the experts of a layer inside one scale-up domain",
    rows=("2.1",),
    claim="A chip sends a message to each of the E - 1 others; what stays with it is one part in E of all copies.",
    start=Defined(exchange_bytes, messages(1, stage_chips - 1), "one message to each of the other chips"),
    steps=(
        Step(
            "as many messages as other chips",
            total(messages(1, stage_chips - 1), (stage_chips - 1) * message_bytes),
            equation(exchange_bytes, (stage_chips - 1) * message_bytes),
        ),
        Step(
            "put in the message: the model's all-to-all",
            substitute(message),
            equation(exchange_bytes, formulas.exchanged(formulas.copies_of_tokens, formulas.one_domain).scale_up),
        ),
    ),
    assumes=(),
    sources=(LECTURE, GSHARD),
    example=rack,
    example_text=RACK,
)

DERIVATIONS = (copies_at_chip, message, in_one_domain)
