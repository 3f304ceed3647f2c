"""Options that several commands share. Imports nothing heavy: help must come at once."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import click

from steptime.model.choices import (  # isort: skip
    PHASES, Counted, Efficiency, Experts, Format, MachineGoal, Minimise, Overlap, Recompute, Schedule, Scope,
)  # fmt: skip


def choice(words: Iterable[StrEnum]) -> click.Choice[str]:
    """An option that takes one of some words."""
    return click.Choice([word.value for word in words])


FORMATS = choice(Format)
LAYOUT_GOALS, MACHINE_GOALS = choice(Minimise), choice(MachineGoal)
TERM_NAMES = "compute, memory, interconnect, scale_up or scale_out"

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object in base units, and nothing else.")
SETS = click.option(
    "--set", "sets", multiple=True, metavar="NAME=VALUE",
    help="Any quantity that a formula here contains, with unit, as memory_bandwidth=3.35TB/s; wins over everything.",
)  # fmt: skip


def scenario_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """One model on one machine, and the options that state a scenario."""
    return click.argument("model")(click.argument("hardware")(workload_options(function)))


def workload_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that state a scenario, without model and machine."""
    options = [
        click.option("--phase", type=choice(PHASES), default="decode", show_default=True),
        click.option("--batch", help="Sequences in flight over all chips.  [default: 64]"),
        click.option("--context", help="Tokens of context per sequence that decode reads, as 200k.  [default: 4096]"),
        click.option("--prompt", help="Tokens per sequence of a prefill.  [default: 4096]"),
        click.option("--cached", help="Those of them that are in the cache already.  [default: 0]"),
        click.option("--chunk", help="Tokens of a chunk, where a prefill is cut in chunks.  [default: one pass]"),
        click.option("--output", help="Tokens that each request generates: adds the whole request to a prefill."),
        click.option(
            "--scope",
            type=choice(Scope),
            default="steps",
            show_default=True,
            help="A pure pass, or decode with prefills riding along at a steady rate (needs --output).",
        ),
        click.option("--sequence", help="Tokens per sequence in training.  [default: 4096]"),
        click.option("--microbatch", help="Sequences per micro-batch and data-parallel rank.  [default: 1]"),
        click.option("--interleave", help="Chunks of layers that each pipeline stage holds.  [default: 1]"),
        click.option(
            "--recompute",
            type=choice(Recompute),
            default="none",
            show_default=True,
            help="What the backward pass runs again.",
        ),
        click.option(
            "--zero",
            type=click.IntRange(0, 3),
            default=0,
            show_default=True,
            help="What data-parallel chips share: 1 optimizer, 2 gradients too, 3 weights too.",
        ),
        click.option("--sequence-parallel", is_flag=True, help="Tensor-parallel chips share norms and masks too."),
        click.option(
            "--schedule",
            type=choice(Schedule),
            default="1f1b",
            show_default=True,
            help="Order of passes in the pipeline.",
        ),
        click.option(
            "--attention",
            type=choice(Counted),
            default="causal",
            show_default=True,
            help="How training counts attention: each token with those before it, or with all.",
        ),
        click.option("--dropout", is_flag=True, help="Keep dropout masks in training."),
        click.option("--tokens", help="Tokens that training takes in all, as 15T: adds days and dollars."),
        click.option(
            "--layout",
            help="Degrees of parallelism: tp=8,dp=1,cp=1,ep=8,pp=1,replicas=1, also ffn=all and "
            "copies=per-expert.  [default: fewest chips that fit, then least step time]",
        ),
        click.option("--weights", type=FORMATS, help="Format of the weights.  [default: what the model says]"),
        click.option("--kv", type=FORMATS, help="Format of the KV cache.  [default: bf16]"),
        click.option(
            "--activations",
            type=FORMATS,
            help="Format of the multiply-adds, whose peak applies.  "
            "[default: the weights', or the next wider the chip has]",
        ),
        click.option(
            "--overlap",
            type=choice(Overlap),
            default="full",
            show_default=True,
            help="Which terms run at the same time.",
        ),
        click.option(
            "--experts",
            type=choice(Experts),
            default="expected",
            show_default=True,
            help="Experts that a step reads: those expected to be touched, or all.",
        ),
        click.option("--efficiency", type=choice(Efficiency), default="ideal", show_default=True),
        SETS,
        JSON,
    ]
    for option in reversed(options):
        function = option(function)
    return function


def searched(command: click.Command, name: str, said: str) -> None:
    """An option of a search: its own words for what is taken where it is not given; a format may be any."""
    option = next(one for one in command.params if one.name == name)
    assert isinstance(option, click.Option)
    option.help, option.show_default = said, False
    if option.type is FORMATS:
        option.type = click.Choice([*FORMATS.choices, "any"])


range_option = click.option(
    "--range", "ranges", multiple=True, metavar="NAME=lo..hi",
    help="An input within limits, as memory_efficiency=0.6..0.9: intervals of what comes out; may be repeated.",
)  # fmt: skip
