"""What every command does: read what was stated, ask the Python interface, print the answer; say what went wrong.

Imports nothing heavy before it must.
"""

import json
import re
import shlex
from typing import Any

import click

from steptime.model.errors import Swapped, UserError, printable
from steptime.model.view.grouped import write_options
from steptime.model.view.options import UNFOLDED
from steptime.model.view.progress import Progress, wipe
from steptime.model.view.scenario import GIVEN, save_scenario
from steptime.model.view.scenario import SETS as FROM_FILE
from steptime.model.view.suggest import Suggesting


def stated(ctx: click.Context, *but: str) -> dict[str, Any]:
    """What was given on the command line or in a scenario file, by argument of the Python interface; ``--set`` wins
    over an option."""
    words = {
        name: value
        for name, value in ctx.params.items()
        if ctx.get_parameter_source(name) in GIVEN and name not in ("sets", "ranges", "as_json", *but)
    }
    return {**words, **by_hand(ctx)}


def by_hand(ctx: click.Context) -> dict[str, str]:
    """What was given with ``--set``; an option that is no quantity is not given so."""
    typed = entries(ctx.params.get("sets", ()), "--set", "memory_bandwidth=3.35TB/s")
    found = {**ctx.meta.get(FROM_FILE, {}), **typed}
    if taken := found.keys() & {*ctx.params, "progress"}:
        from steptime.model import symbols

        for name in sorted(one for one in taken if not hasattr(symbols, one)):
            raise click.UsageError(f"--set {name}: unknown quantity {name!r}, which is what formulas contain")
    return found


def ranges(ctx: click.Context) -> dict[str, str]:
    """The ranges that were given."""
    return entries(ctx.params.get("ranges", ()), "--range", "context=100k..200k")


def with_ranges(answer: Any, ctx: click.Context, /, what: str = "samples") -> Any:
    """The answer, with intervals where there are ranges."""
    limits = ranges(ctx)
    return answer.ranges(Progress(what).show, **limits) if limits else answer


def entries(texts: tuple[str, ...], option: str, example: str) -> dict[str, str]:
    """``NAME=VALUE`` texts by name, each once."""
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise click.UsageError(f"{option} {text[:60]!r}: write NAME=VALUE, as in {example}")
        if name.strip() in found:
            raise click.UsageError(f"{option} {name.strip()} is given twice")
        found[name.strip()] = value
    return found


_obeyed = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON lets stand and a terminal obeys, or cannot show. It stands inside texts, where \\u… says the same."""


def show(answer: Any, as_json: bool, **how: Any) -> None:
    """Print an answer: one JSON object, or a table."""
    wipe()
    if as_json:
        text = json.dumps(answer.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)
        click.echo(_obeyed.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
    else:
        from steptime.model.text.format import console, without_trailing_blanks
        from steptime.model.text.screen import unfolded

        ctx = click.get_current_context()
        table, to = answer.table(**how), console()
        with to.capture() as printed:
            to.print(_worded(unfolded(table) if ctx.meta.get(UNFOLDED) else table, ctx.command), crop=False)
        click.echo(without_trailing_blanks(printed.get()), nl=False)


def show_csv(answer: Any, as_json: bool, **how: Any) -> None:
    """Print the rows of an answer as CSV."""
    if as_json:
        raise click.UsageError("--csv and --json are two forms of the answer: give one")
    wipe()
    click.echo(answer.csv(**how), nl=False)


def _worded(answer: Any, command: click.Command) -> Any:
    """An answer whose lines speak of the command's options."""
    from rich.console import Group
    from rich.text import Text

    def line(part: Any) -> Any:
        if not isinstance(part, Text) or "`" not in part.plain:
            return part
        return Text(in_options(part.plain, command), style=part.style)

    return Group(*map(line, answer.renderables))


TYPED = "steptime.typed"
"""Where what was typed after the command's name is kept while it runs."""


class Asking(Suggesting):
    """A command whose errors speak of its options, and whose help groups them."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_options(self, ctx, formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[TYPED] = tuple(args)  # click takes them out of the list as it reads them
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            outcome = super().invoke(ctx)
            save_scenario(ctx, stated)
            return outcome
        except Swapped as error:
            turned = {error.model: error.hardware, error.hardware: error.model}
            typed = shlex.join([turned.get(word, word) for word in ctx.meta[TYPED]])
            said = in_options(str(error), ctx.command)
            raise click.UsageError(f"{said}; type: {printable(f'{ctx.command_path} {typed}')}") from None
        except UserError as error:
            raise click.UsageError(in_options(str(error), ctx.command)) from None


def in_options(text: str, command: click.Command) -> str:
    """A message of the Python interface in the words of the command line: an argument becomes the option that gives
    it, and a quantity that has no option of its own becomes ``--set``."""
    options = {one.name: one.opts[0] if isinstance(one, click.Option) else one.human_readable_name
               for one in command.params}  # fmt: skip
    plural = {"workloads": "workload", "limits": "limit"}
    options |= {name: options[several] for several, name in plural.items() if several in options}

    def option(found: re.Match[str]) -> str:
        name = found[1]
        if name in options:
            return str(options[name])
        from steptime.model.quantity import declared

        if name in declared():
            return f"--set {name}" if "sets" in options else name
        return found[0]

    text = re.sub(r"range of `?(\w+)`?", r"--range \1", text)
    return re.sub(r"`(\w+)`", option, text)
