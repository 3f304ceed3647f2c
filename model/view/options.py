"""Options that several commands share. Imports nothing heavy: help must come at once."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

import click

from steptime.model.view.complete import HARDWARE, MODEL, SETTING
from steptime.model.view.scenario import scenario_files

from steptime.model.choices import (  # isort: skip
    PHASES, AttentionKernel, Basis, Counted, EngineName, Experts, Format, MachineGoal, Minimise, Overlap, Recompute,
    Schedule, Scope,
)  # fmt: skip


def choice(words: Iterable[StrEnum]) -> click.Choice[str]:
    """An option that takes one of some words."""
    return click.Choice([word.value for word in words])


FORMATS = choice(Format)
LAYOUT_GOALS, MACHINE_GOALS = choice(Minimise), choice(MachineGoal)
TERM_NAMES = "compute, memory, interconnect, scale_up or scale_out"

UNFOLDED = "steptime.unfolded"
"""Where it is kept that everything was asked for."""


def _keep(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    ctx.meta[UNFOLDED] = asked


VERBOSE = click.option(
    "-v", "--verbose", "unfolded", is_flag=True, expose_value=False, callback=_keep,
    help="Unfold the details: numbers put in, defaults taken, doubtful figures, what is not modelled.",
)  # fmt: skip


def JSON(function: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """How an answer is printed: every command has it."""
    return _as_json(VERBOSE(function))


_as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object in base units, and nothing else."
)
CSV = click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV, in base units.")
BASIS = click.option(
    "--basis", type=choice(Basis),
    help="Kind of price of a chip-hour; of one that is set by hand, what it is.  "
    "[default: the machine's first, in a comparison one that all have]",
)  # fmt: skip
SETS = click.option(
    "--set", "sets", multiple=True, metavar="NAME=VALUE", shell_complete=SETTING,
    help="Any quantity that a formula here contains, with unit, as memory_bandwidth=3.35TB/s; wins over everything.",
)  # fmt: skip


USUAL = {
    "batch": "64; a prefill: 1", "context": "4096", "prompt": "4096", "cached": "0", "chunk": "one pass",
    "sequence": "4096", "microbatch": "1", "interleave": "1", "layout": "fewest chips that fit, then least step time",
    "chips": "the fewest that fit", "weights": "what the model says", "kv": "bf16",
    "activations": "the weights', or the next wider the chip has",
}  # fmt: skip
"""What help says is taken where nothing is said; a command that takes something else says so."""

Decorated = Callable[[Callable[..., Any]], Callable[..., Any]]


def scenario_options(usual: Mapping[str, str] = USUAL) -> Decorated:
    """One model on one machine, and the options that state a scenario, also in a file."""
    workload = workload_options(usual)

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        found = click.argument("hardware", shell_complete=HARDWARE)(scenario_files(workload(function)))
        return click.argument("model", shell_complete=MODEL)(found)

    return decorated


def workload_options(usual: Mapping[str, str] = USUAL, own_chips: bool = False) -> Decorated:
    """The options that state a scenario, without model and machine; ``usual``: the command's own defaults, in words.

    With ``own_chips`` the command has an option of its own for them.
    """
    taken = {**USUAL, **usual}

    def stated(name: str, text: str, **more: Any) -> Decorated:
        return click.option(f"--{name}", help=f"{text}  [default: {taken[name]}]", **more)

    options: list[Decorated] = [
        click.option("--phase", type=choice(PHASES), default="decode", show_default=True),
        stated("batch", "Sequences in flight over all chips."),
        stated("context", "Tokens of context per sequence that decode reads, as 200k."),
        stated("prompt", "Tokens per sequence of a prefill."),
        stated("cached", "Those of them that are in the cache already."),
        stated("chunk", "Tokens of a chunk, where a prefill is cut in chunks."),
        click.option("--output", help="Tokens that each request generates: adds the whole request to a prefill."),
        click.option(
            "--scope",
            type=choice(Scope),
            default="steps",
            show_default=True,
            help="A pure pass, or decode with prefills riding along at a steady rate (needs --output).",
        ),
        stated("sequence", "Tokens per sequence in training."),
        stated("microbatch", "Sequences per micro-batch and data-parallel rank."),
        stated("interleave", "Chunks of layers that each pipeline stage holds."),
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
        click.option(
            "--sequence-parallel/--no-sequence-parallel",
            default=None,
            help="Tensor-parallel chips share norms and masks too.  [default: they do]",
        ),
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
        click.option(
            "--attention-kernel",
            type=choice(AttentionKernel),
            help="fused keeps no scores in training and makes them again; unfused keeps them, or runs them again with "
            "--recompute selective.  [default: fused; with --recompute selective unfused]",
        ),
        click.option("--dropout", is_flag=True, help="Keep dropout masks in training."),
        click.option("--tokens", help="Tokens that training takes in all, as 15T: adds days and dollars."),
        stated(
            "layout",
            "Degrees of parallelism: tp=8,dp=1,cp=1,ep=8,pp=1,replicas=1, also ffn=all and copies=per-expert.",
        ),
        *([] if own_chips else [stated("chips", "Chips of the machine, where no layout is stated.")]),
        stated("weights", "Format of the weights.", type=FORMATS),
        stated("kv", "Format of the KV cache.", type=FORMATS),
        stated("activations", "Format of the multiply-adds, whose peak applies.", type=FORMATS),
        click.option(
            "--usable-memory",
            metavar="SHARE",
            help="Share of a chip's memory that may be filled, the engine's --set workspace=… included; 100% "
            "with workspace=0 is the bound.  [default: 90%]",
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
        BASIS,
        click.option(
            "--efficiency",
            metavar="ideal|calibrated|FILE.toml",
            default="calibrated",
            show_default=True,
            help="An estimate beside the bound: by the shipped coefficients, by those of a file, or none (ideal).",
        ),
        SETS,
        JSON,
    ]

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorated


def limit_option(example: str) -> Decorated:
    """Limits on what comes out, each of its own command."""
    return click.option(
        "--limit", "limits", multiple=True, metavar="NAME<=VALUE",
        help=f"A limit of your own, as {example}; may be repeated.",
    )  # fmt: skip


def repeated(command: click.Command, name: str) -> None:
    """An option that may be given several times."""
    option = next(one for one in command.params if one.name == name)
    assert isinstance(option, click.Option)
    option.multiple, option.help = True, f"{(option.help or '').replace('  [', ' May be repeated.  [')}"


def engine_option(said: str) -> Decorated:
    """An engine that serves or trains; what the command does with it."""
    return click.option("--engine", type=choice(EngineName), help=said)


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
