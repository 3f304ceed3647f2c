"""The command line: read options, call, print. It holds no formula, and imports nothing heavy before it must."""

import os
import sys
from typing import Any

import click

from steptime.model.view.options import range_option, scenario_options
from steptime.model.view.output import build, show
from steptime.model.view.progress import Progress
from steptime.model.view.solve_commands import solve


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="steptime", message="%(version)s")
def steptime() -> None:
    """How long one step of an LLM takes: t_step = max(compute, memory, interconnect), in closed form.

    MODEL is a catalogue name, a Hugging Face config.json, or a TOML of quantities; HARDWARE is a catalogue name or a
    TOML.
    """


@steptime.command()
@scenario_options
@range_option
def step(as_json: bool, **options: Any) -> None:
    """One scenario: its terms, what binds, throughput, cost, memory, and where the terms cross."""
    from steptime.model.text.step_json import step_json
    from steptime.model.text.step_table import step_table

    case = build(options)
    show(as_json, lambda: step_json(case), lambda: step_table(case))


steptime.add_command(solve)


@solve.command("for")
@click.argument("quantity")
@click.option("--in", "formula", required=True, help="A derivation's name, or compute, memory, interconnect.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="What is known, with unit; may be repeated.")
@click.option("--range", "ranges", multiple=True, metavar="NAME=lo..hi", help="A quantity known within limits.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object in base units, and nothing else.")
def solve_any(quantity: str, formula: str, sets: tuple[str, ...], ranges: tuple[str, ...], as_json: bool) -> None:
    """Any formula, for any of its symbols: closed form where there is one, else every root with its bracket."""
    from steptime.derivations.inverse import inverse_json, solve_for
    from steptime.model.quantity import lookup
    from steptime.model.step.inputs import read_range, read_values
    from steptime.model.text.derivations import inverse_table

    found = solve_for(formula, lookup(quantity).symbol, read_values(sets), dict(read_range(text) for text in ranges))
    show(as_json, lambda: inverse_json(found), lambda: inverse_table(found))


@steptime.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--models", type=click.Path(file_okay=False, exists=True), help="Folder of NAME.json or NAME.toml for other models."
)
@click.option(
    "--hardware", type=click.Path(file_okay=False, exists=True), help="Folder of NAME.toml for other machines."
)
@click.option("--rows", is_flag=True, help="List every row, not only the families.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object in base units, and nothing else.")
def validate(file: str | None, models: str | None, hardware: str | None, rows: bool, as_json: bool) -> None:
    """Published measurements against the ideal: per row the ratio and what binds, or why it is not modelled.

    Without FILE, those of the catalogue.
    """
    from pathlib import Path

    from steptime.model.catalog.measurement import catalogue, read_measurements
    from steptime.model.solver.measured.validate import Places, validate
    from steptime.model.text.validate import validate_json, validate_table

    places = Places(Path(models) if models else None, Path(hardware) if hardware else None)
    judged = validate(read_measurements(Path(file)) if file else catalogue(), places, Progress("rows").show)
    show(as_json, lambda: validate_json(judged), lambda: validate_table(judged, rows))


@steptime.command()
@click.argument("kind", type=click.Choice(["hardware", "models"]))
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object in base units, and nothing else.")
def catalog(kind: str, name: str | None, as_json: bool) -> None:
    """List the catalogue, or show one entry (or a file of yours) with the source and date of every figure."""
    from steptime.model.text import catalogue as view

    if name is None:
        show(as_json, lambda: view.list_json(kind), lambda: view.list_table(kind))
    else:
        show(as_json, lambda: view.entry_json(kind, name), lambda: view.entry_table(kind, name))


@steptime.command()
@click.argument("name", required=False)
@click.option("--claims", is_flag=True, help="Every number of the lecture beside ours; exit code 1 where ours fails.")
@click.option("--graph", is_flag=True, help="Which derivation uses which, as a Mermaid graph.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object in base units, and nothing else.")
def derive(name: str | None, claims: bool, graph: bool, as_json: bool) -> int:
    """List the derivations, or show one: every line with its reason, the numbers put in, and the result."""
    from steptime.derivations.library import find
    from steptime.model.text import derivations as view

    if graph:
        click.echo(view.graph())
        return 0
    if claims:
        found = view.verdicts()
        show(as_json, lambda: view.claims_json(found), lambda: view.claims_table(found))
        return int(any(verdict.verdict == "fails" for verdict in found))
    if name is None:
        data = view.list_json() if as_json else {"derivations": []}
        show(as_json, lambda: data, view.list_table)
        return int(not all(entry["verified"] for entry in data["derivations"]))
    one = find(name)
    failed = view.verified((one,))[one.name] is not None
    show(as_json, lambda: view.entry_json(one), lambda: view.entry_table(one))
    return int(failed)


@steptime.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="The whole book, as a standalone document that compiles.")
@click.option(
    "--format", "form", type=click.Choice(["latex", "markdown", "python", "c"]), default="latex", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True), help="Write to a file.")
def latex(names: tuple[str, ...], everything: bool, form: str, output: str | None) -> int:
    """Export derivations and terms: LaTeX, Markdown, Python or C. Everything is verified first."""
    from steptime.model.text.exported import exported

    text, failure = exported(names, everything, form)
    if failure is not None:
        fail(f"error: {failure}", 1)
    if output is None:
        click.echo(text, nl=False)
    else:
        try:
            with open(output, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            fail(f"error: {output}: cannot be written ({error.strerror})", 2)
    return 0


def main(arguments: list[str] | None = None) -> None:
    """The entry point: what the user got wrong is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no Greek still gets its numbers
    try:
        outcome = steptime.main(arguments, prog_name="steptime", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        fail(error.format_message(), 2)
    except click.ClickException as error:
        fail(f"error: {_one_line(error.format_message())}", 2)
    except click.Abort:
        fail("interrupted", 130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        fail(f"error: the output cannot be written ({error.strerror})", 2)
    except RuntimeError as error:
        if type(error).__name__ != "NotSolved":  # an optimum that failed its check is an error, not an answer
            raise
        fail(f"error: {_one_line(str(error))}", 1)
    except ValueError as error:
        if type(error).__name__ not in ("UserError", "Unbound"):  # imported only once something has gone wrong
            raise
        fail(f"error: {_one_line(str(error))}", 2)
    else:
        flush()
        sys.exit(outcome if isinstance(outcome, int) else 0)


def flush() -> None:
    """Write out what is left; a full disk is said in one line."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not tried again at exit
        fail(f"error: the output cannot be written ({error.strerror})", 2)


def fail(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
