"""``solve``: where terms cross, and which configuration is best."""

from typing import Any

import click

from steptime.model.choices import PartName, TermName
from steptime.model.view.complete import DERIVATION, HARDWARE, MODEL, QUANTITY
from steptime.model.view.fleet import fleet
from steptime.model.view.output import Asking, by_hand, ranges, show, stated, with_ranges
from steptime.model.view.progress import Progress
from steptime.model.view.suggest import SuggestingGroup

from steptime.model.view.options import (  # isort: skip
    BASIS, FORMATS, JSON, LAYOUT_GOALS, MACHINE_GOALS, SETS, TERM_NAMES, engine_option, limit_option, range_option,
    scenario_options, searched, workload_options,
)  # fmt: skip


class Solving(SuggestingGroup):
    """A group whose commands speak of their options."""

    command_class = Asking


@click.group(cls=Solving)
def solve() -> None:
    """Where terms cross, and which configuration is best."""


@solve.command()
@scenario_options({"batch": "64; a prefill: 1; between two machines the best of each"})
@click.option(
    "--between",
    default="memory,compute",
    show_default=True,
    help=f"Two terms: {TERM_NAMES}; or what memory reads: weights,kv; or two machines, HARDWARE and another.",
)
@click.option(
    "--over", help="Batch, context, or any quantity of HARDWARE.  [default: batch; of two machines the length]"
)
@range_option
@click.pass_context
def crossover(
    ctx: click.Context, /, model: str, hardware: str, between: str, over: str | None, as_json: bool, **_: Any
) -> None:
    """The value of one quantity at which two terms are equal, in closed form where there is one.

    Between weights and kv: at which as much KV cache is read as weights. Between two machines: at which a token costs
    the same on both, each at its own default layout and best batch.
    """
    import steptime as st
    from steptime.model.api.crossed import other_machine

    names = [name.strip() for name in between.split(",")]
    if len(names) != 2:
        raise click.UsageError(f"--between {between[:60]!r}: name two terms, as in memory,compute, or two machines")
    words = stated(ctx, "model", "hardware", "between", "over")
    if not {*TermName, *PartName} & {name.lower() for name in names}:
        if ranges(ctx):
            raise click.UsageError("--range: a crossover of two machines has no intervals; vary it by --set")
        show(st.crossover_of(model, hardware, other_machine(hardware, names), over, **words), as_json)
        return
    asked = st.step(model, hardware, **words)
    show(with_ranges(asked.crossover(names[0], names[1], over or "batch"), ctx), as_json)


@solve.command()
@scenario_options({"batch": "64, for which the layout is chosen"})
@click.option("--minimise", type=LAYOUT_GOALS, help="[default: cost, or chip-seconds where no price is known]")
@click.option("--max-step-time", help="Upper limit of the step time, as 20ms.")
@limit_option("batch<=512 or tokens_per_second_per_sequence>=50")
@range_option
@click.pass_context
def batch(
    ctx: click.Context, /, model: str, hardware: str, minimise: str | None, max_step_time: str | None,
    limits: tuple[str, ...], as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """The smallest batch of least cost per token (or step time), with the price of every term and limit."""
    import steptime as st

    asked = st.step(model, hardware, **stated(ctx, "model", "hardware", "minimise", "max_step_time", "limits"))
    show(with_ranges(asked.best_batch(minimise, max_step_time, limits), ctx), as_json)


@solve.command()
@click.argument("model", shell_complete=MODEL)
@click.argument("hardware", nargs=-1, required=True, shell_complete=HARDWARE)
@workload_options(own_chips=True)
@click.option("--chips", required=True, metavar="N[,N…]", help="Numbers of chips that are tried, as 8,16,72.")
@click.option("--minimise", type=LAYOUT_GOALS, help="[default: cost, or chip-seconds where a price is unknown]")
@click.option("--max-step-time", help="Upper limit of the step time, as 50ms.")
@click.option("--max-ttft", help="Upper limit of the time to first token: the step of --phase prefill, else one prompt "
              "alone on the layout (--prompt with --scope serving, else as long as the context).")  # fmt: skip
@limit_option("batch<=512 or tokens_per_second_per_sequence>=50")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes on this machine.  [default: one a core where "
              "there is much to do]")  # fmt: skip
@engine_option("Keep only layouts that an engine can run, and print the command line of the best.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the best point and the Pareto front as CSV.")
@range_option
@click.pass_context
def layout(ctx: click.Context, /, model: str, hardware: tuple[str, ...], as_csv: bool, as_json: bool, **_: Any) -> None:
    """All layouts, batches and machines: the best, why the next lost, and the exact Pareto front.

    --batch takes a list here, --layout degrees to hold. Formats are the model's own unless they are any: then all that
    a chip has peaks for are tried.
    """
    import steptime as st

    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of the answer: give one")
    if as_csv and ranges(ctx):
        raise click.UsageError("--csv holds no ranges: use --json, or leave --range out")
    words = stated(ctx, "model", "hardware", "as_csv")
    found = st.search(model, hardware, progress=Progress("layouts").show, **words)
    if as_csv:
        click.echo(found.csv(), nl=False)
    else:
        show(with_ranges(found, ctx, "searches"), as_json)


for option, said in {
    "batch": "Sequences in flight over all chips: one number or several, as 16,32,64.  [default: every whole number up "
             "to 1,048,576; 64 in training]",
    "layout": "Degrees of parallelism that every layout has, as tp=8,pp=1, also ffn=all and copies=per-expert.  "
              "[default: all layouts are tried]",
    "weights": "Format of the weights, or any.  [default: what the model says]",
    "kv": "Format of the KV cache, or any.  [default: bf16]",
    "activations": "Format of the multiply-adds, or any.  [default: the weights', or the next wider the chip has]",
    "output": "Tokens that each request generates, with --scope serving.",
    "microbatch": "Sequences per micro-batch and data-parallel rank.  [default: all are tried]",
    "interleave": "Chunks of layers that each pipeline stage holds.  [default: all are tried]",
    "recompute": "What the backward pass runs again.  [default: none, selective and full are tried]",
    "zero": "What data-parallel chips share: 1 optimizer, 2 gradients too, 3 weights too.  [default: all are tried]",
    "sequence_parallel": "Tensor-parallel chips share norms and masks too.  [default: both are tried]",
}.items():  # fmt: skip
    searched(layout, option, said)


@solve.command()
@click.argument("model", shell_complete=MODEL)
@workload_options({
    "batch": "64; the best of several where a cost is minimised",
    "layout": "the one that asks for the least",
    "chips": "one scale-up domain of the price list",
})  # fmt: skip
@click.option(
    "--prices",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Unit prices: a TOML file, or market or manufacturing, which are examples.",
)
@click.option("--budget", help="Dollars for the whole machine.")
@click.option("--power", help="Watts for the whole machine, as 120kW.")
@click.option("--minimise", type=MACHINE_GOALS, default="step-time", show_default=True)
@limit_option("step_time<=20ms or tokens_per_second_per_sequence>=50")
@click.option("--workload", "workloads", multiple=True, metavar="'NAME=VALUE …'",
              help="One of several, as weight=0.7 phase=decode context=32k batch=2048, weight being its share of the "
              "tokens; may be repeated.")  # fmt: skip
@click.option("--from", "chip", metavar="HARDWARE", shell_complete=HARDWARE,
              help="Instead: what one more unit of each resource of this chip is worth. With several, as --context "
              "4k,32k,200k or --prices market-parts,manufacturing-parts, a column each.")  # fmt: skip
@range_option
@click.pass_context
def machine(
    ctx: click.Context, /, model: str, prices: str | None, chip: str | None, as_json: bool, **options: Any
) -> None:
    """The balanced machine that a budget or a power limit buys, or (--from) what a chip's resources are worth.

    The price list says what FLOP/s, stacks of memory and links cost. Without --layout a machine is one scale-up domain,
    and each workload takes the layout that asks for the least.
    """
    import steptime as st

    words = stated(ctx, "model", "prices", "chip")
    if chip is not None:
        if "minimise" in words:
            raise click.UsageError("--from says what lowers the cost of a token: no --minimise")
        if {"budget", "power", "workloads", "limits"} & words.keys():
            raise click.UsageError("--from prices a chip as it is: no --budget, --power, --limit or --workload")
        if words.get("efficiency", "ideal") != "ideal":
            raise click.UsageError("--efficiency: only ideal here: what resources are worth is of the ideal bound")
        if "," not in words.get("context", "") + (prices or ""):
            show(with_ranges(st.step(model, chip, **words).who_earns(prices), ctx), as_json)
        elif ranges(ctx):
            raise click.UsageError("--range: of one --context and one --prices; leave the others out")
        else:
            show(st.earners(model, chip, words.pop("context", "4096"), prices, **words), as_json)
        return
    if prices is None:
        raise click.UsageError(
            "solve machine needs --prices FILE: what FLOP/s, memory and links cost, or --prices market, an example"
        )
    for name in by_hand(ctx):
        if name in ("budget", "power"):
            raise click.UsageError(f"--set {name}: the design or {prices} decides it; --{name} is the limit")
        if any(entry.startswith(f"{name}=") for text in options["workloads"] for entry in text.split()):
            raise click.UsageError(f"--set {name}: a --workload states it too; give one of them")
    show(with_ranges(st.machine(model, prices, **words), ctx), as_json)


@solve.command()
@click.argument("model", shell_complete=MODEL)
@click.argument("hardware", shell_complete=HARDWARE)
@click.option("--context", help="Tokens of the cache, as 200k.  [default: 4096]")
@click.option("--hold", metavar="TIME", help="For how long it is held, as 20min: what that costs in each place.")
@click.option("--tiers", type=click.Path(dir_okay=False), metavar="FILE",
              help="Tiers of memory, a TOML file.  [default: the catalogue's]")  # fmt: skip
@click.option("--reuse", metavar="'NAME …'",
              help="When a cache is asked for again: 'exponential mean=10min', 'weibull shape=0.5 scale=10min' or "
              "'lomax shape=1.5 scale=5min', each with share=0.6 of all caches.")  # fmt: skip
@click.option("--weights", type=FORMATS, help="Format of the weights.  [default: what the model says]")
@click.option("--kv", type=FORMATS, help="Format of the KV cache.  [default: bf16]")
@click.option("--activations", type=FORMATS, help="Format of the multiply-adds.  [default: the weights', or wider]")
@limit_option("restore_time<=500ms")
@BASIS
@SETS
@range_option
@JSON
@click.pass_context
def cache(ctx: click.Context, /, model: str, hardware: str, as_json: bool, **_: Any) -> None:
    """Between two turns of a conversation: hold its KV cache, and in which memory, or compute it again."""
    import steptime as st

    show(with_ranges(st.cache(model, hardware, **stated(ctx, "model", "hardware")), ctx), as_json)


@solve.command("for")
@click.argument("quantity", shell_complete=QUANTITY)
@click.option(
    "--in",
    "formula",
    required=True,
    shell_complete=DERIVATION,
    help="A derivation's name, or compute, memory, interconnect.",
)
@SETS
@range_option
@JSON
@click.pass_context
def solve_any(ctx: click.Context, /, quantity: str, formula: str, as_json: bool, **_: Any) -> None:
    """Any formula, for any of its symbols: closed form where there is one, else every root with its bracket."""
    import steptime as st

    show(st.solve_for(quantity, formula, ranges(ctx), **stated(ctx, "quantity", "formula")), as_json)


solve.add_command(fleet)
