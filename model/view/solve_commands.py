"""The commands of `steptime solve`: read options, call, print. They hold no formula, and import nothing heavy."""

from collections.abc import Callable
from typing import Any

import click

from steptime.model.view.options import PRECISIONS, TERM_NAMES, range_option, scenario_options, workload_options
from steptime.model.view.output import build, show
from steptime.model.view.progress import Progress


def spread_of(case: Any, solved: Callable[[Any, Any], Any]) -> Any:
    """The spread of a solve's answer where its case has ranges, with progress; else None."""
    from steptime.model.text.ranges import read_ranges

    ranges = read_ranges(case.question.ranges)
    return solved(ranges, Progress("samples").show) if ranges else None


@click.group()
def solve() -> None:
    """Where terms cross, and which configuration is best."""


@solve.command()
@scenario_options
@click.option("--between", default="memory,compute", show_default=True, help=f"Two terms: {TERM_NAMES}.")
@click.option("--over", default="batch", show_default=True, help="Batch, context, or any quantity of the machine.")
@range_option
def crossover(as_json: bool, between: str, over: str, **options: Any) -> None:
    """The value of one quantity at which two terms are equal, in closed form where there is one."""
    from steptime.model.errors import UserError
    from steptime.model.quantity import lookup
    from steptime.model.solver.crossover import find_crossover
    from steptime.model.solver.ranges.spreads import crossover_spread
    from steptime.model.text.solve import crossover_table, solve_crossover_json

    names = [name.strip() for name in between.split(",")]
    if len(names) != 2:
        raise UserError(f"--between {between[:60]!r}: name two terms, as in memory,compute")
    case = build(options)
    answer = find_crossover(case, names[0], names[1], lookup(over).symbol)
    spread = spread_of(case, lambda ranges, progress: crossover_spread(
        case, ranges, (names[0], names[1]), answer.over, progress))  # fmt: skip
    show(as_json, lambda: solve_crossover_json(case, answer, spread), lambda: crossover_table(case, answer, spread))


@solve.command()
@scenario_options
@click.option("--minimise", type=click.Choice(["cost", "latency", "energy", "chip-seconds"]),
              help="[default: cost, or chip-seconds where no price is known]")  # fmt: skip
@click.option("--max-step-time", help="Upper limit of the step time, as 20ms.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME<=VALUE",
    help="A limit of your own, as batch<=512 or tokens_per_second_per_sequence>=50; may be repeated.",
)
@range_option
def batch(
    as_json: bool, minimise: str | None, max_step_time: str | None, limits: tuple[str, ...], **options: Any
) -> None:
    """The smallest batch of least cost per token (or step time), with the price of every term and limit."""
    from steptime.model.quantity import lookup
    from steptime.model.solver.batch import solve_batch
    from steptime.model.solver.ranges.spreads import batch_spread
    from steptime.model.text.parse import parse_quantity
    from steptime.model.text.solve import batch_table, solve_batch_json

    case = build(options)
    bound = None if max_step_time is None else parse_quantity(lookup("step_time"), max_step_time)
    answer = solve_batch(case, minimise, bound, limits)
    spread = spread_of(case, lambda ranges, progress: batch_spread(case, ranges, minimise, bound, limits, progress))
    show(as_json, lambda: solve_batch_json(answer, spread), lambda: batch_table(answer, spread))


@solve.command("layout")
@click.argument("model")
@click.argument("hardware", nargs=-1, required=True)
@workload_options
@click.option("--chips", required=True, metavar="N[,N…]", help="Numbers of chips that are tried, as 8,16,72.")
@click.option("--minimise", type=click.Choice(["cost", "latency", "energy", "chip-seconds"]),
              help="[default: cost, or chip-seconds where a price is unknown]")  # fmt: skip
@click.option("--max-step-time", help="Upper limit of the step time, as 50ms.")
@click.option("--max-ttft", help="Upper limit of the time to first token: the step time of --phase prefill.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the best point and the Pareto front as CSV.")
@range_option
def solve_layout(
    as_json: bool, as_csv: bool, hardware: tuple[str, ...], chips: str, minimise: str | None,
    max_step_time: str | None, max_ttft: str | None, **options: Any,
) -> None:  # fmt: skip
    """All layouts, batches, formats and machines: the best, why the next lost, and the exact Pareto front.

    --batch takes a list here, --layout degrees to hold. Formats not stated are tried: all that a chip has peaks for.
    """
    context = click.get_current_context()
    choices = ("microbatch", "interleave", "recompute", "zero", "sequence_parallel")
    stated = click.core.ParameterSource.COMMANDLINE
    options["free"] = [name for name in choices if context.get_parameter_source(name) != stated]
    from steptime.model.solver.layouts.search import search_layouts
    from steptime.model.solver.ranges.spreads import layout_spread
    from steptime.model.step.build import build_case
    from steptime.model.text.layout import layout_csv, layout_json_of, layout_table
    from steptime.model.text.ranges import read_ranges
    from steptime.model.view.search_request import read_search

    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of the answer: give one")
    if as_csv and options["ranges"]:
        raise click.UsageError("--csv holds no ranges: use --json, or leave --range out")
    search = read_search(options, hardware, chips, minimise, max_step_time, max_ttft)
    answer = search_layouts(search, Progress("layouts").show)
    if as_csv:
        click.echo(layout_csv(answer), nl=False)
        return
    ranges = read_ranges(options["ranges"])
    spread = None
    if ranges:
        spread = layout_spread(search, build_case(answer.best.question), ranges, Progress("searches").show)
    show(as_json, lambda: layout_json_of(answer, spread), lambda: layout_table(answer, spread))


@solve.command("machine")
@click.argument("model")
@workload_options
@click.option("--prices", type=click.Path(dir_okay=False), metavar="FILE", help="Unit prices, a TOML file.")
@click.option("--budget", help="Dollars for the whole machine.")
@click.option("--power", help="Watts for the whole machine, as 120kW.")
@click.option("--minimise", type=click.Choice(["step-time", "cost", "energy"]), default="step-time", show_default=True)
@click.option("--workload", "workloads", multiple=True, metavar="'NAME=VALUE …'",
              help="One of several, as weight=0.7 phase=decode context=32k batch=2048; may be repeated.")  # fmt: skip
@click.option("--from", "chip", metavar="HARDWARE",
              help="Instead: what one more unit of each resource of this chip is worth.")  # fmt: skip
@range_option
def solve_machine_command(
    as_json: bool, prices: str | None, budget: str | None, power: str | None, minimise: str,
    workloads: tuple[str, ...], chip: str | None, **options: Any,
) -> None:  # fmt: skip
    """The balanced machine that a budget or a power limit buys, or (--from) what a chip's resources are worth.

    The price list says what FLOP/s, stacks of memory and links cost. Without --layout a machine is one scale-up domain,
    and each workload takes the layout that asks for the least.
    """
    from steptime.model.view import machine_request as ask

    stated = click.get_current_context().get_parameter_source("minimise") == click.core.ParameterSource.COMMANDLINE
    if chip is not None and stated:
        raise click.UsageError("--from says what lowers the cost of a token: no --minimise")
    if chip is not None:
        earnings, spread = ask.earnings(options, chip, prices, budget, power, workloads)
        show(as_json, lambda: ask.earnings_json(earnings, spread), lambda: ask.earnings_table(earnings, spread))
    else:
        found, spread = ask.machine(options, prices, budget, power, minimise, workloads)
        show(as_json, lambda: ask.machine_json(found, spread), lambda: ask.machine_table(found, spread))


@solve.command("cache")
@click.argument("model")
@click.argument("hardware")
@click.option("--context", help="Tokens of the cache, as 200k.  [default: 4096]")
@click.option("--tiers", "file", type=click.Path(dir_okay=False), metavar="FILE",
              help="Tiers of memory, a TOML file.  [default: the catalogue's]")  # fmt: skip
@click.option("--reuse", metavar="'NAME …'",
              help="When a cache is asked for again: 'exponential mean=10min', 'weibull shape=0.5 scale=10min' or "
              "'lomax shape=1.5 scale=5min', each with share=0.6 of all caches.")  # fmt: skip
@click.option("--weights", type=PRECISIONS, help="Format of the weights.  [default: what the model says]")
@click.option("--kv", type=PRECISIONS, help="Format of the KV cache.  [default: bf16]")
@click.option("--activations", type=PRECISIONS, help="Format of the multiply-adds.  [default: the weights', or wider]")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="Any declared quantity, with unit.")
@range_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object in base units, and nothing else.")
def solve_cache_command(
    model: str, hardware: str, file: str | None, reuse: str | None, as_json: bool, **options: Any
) -> None:
    """Between two turns of a conversation: hold its KV cache, and in which memory, or compute it again."""
    from pathlib import Path

    from steptime.model.catalog.tiers import catalogue_tiers, read_tiers
    from steptime.model.economics.reuse import read_reuse
    from steptime.model.solver.cache.holding import holding_case, solve_cache
    from steptime.model.solver.ranges.spreads import cache_spread
    from steptime.model.step.inputs import Question
    from steptime.model.text.cache import cache_json, cache_table

    case = holding_case(Question(model, hardware, **options))
    tiers = read_tiers(Path(file)) if file else catalogue_tiers()
    times = None if reuse is None else read_reuse(reuse)
    answer = solve_cache(case, tiers, times)
    spread = spread_of(case, lambda ranges, progress: cache_spread(case, ranges, tiers, times, progress))
    show(as_json, lambda: cache_json(answer, spread), lambda: cache_table(answer, spread))
