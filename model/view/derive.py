"""``derive`` and ``latex``: derivations shown and exported."""

from typing import Any

import click

from steptime.model.view.complete import DERIVATION
from steptime.model.view.options import CSV, JSON, scenario_options
from steptime.model.view.output import Asking, show, show_csv, stated
from steptime.model.view.progress import Progress
from steptime.model.view.save import save

FORMS = ["latex", "markdown", "python", "c", "js"]


@click.command(cls=Asking)
@click.argument("name", required=False, shell_complete=DERIVATION)
@click.option("--short", is_flag=True, help="A derivation in a few lines: what it says, where, and its number.")
@click.option("--claims", is_flag=True, help="Every number of the lecture beside ours; exit code 1 where ours fails.")
@click.option("--graph", is_flag=True, help="Which derivation uses which, as a Mermaid graph.")
@CSV
@JSON
def derive(name: str | None, short: bool, claims: bool, graph: bool, as_csv: bool, as_json: bool) -> int:
    """The chapters of derivations, or one derivation: every line with its reason, the numbers put in, and the result.

    NAME is a derivation's, or what is looked for: a chapter (3), a row of the lecture (1.5), any word, or a question.
    """
    import steptime as st

    ways = {"NAME": name is not None, "--claims": claims, "--graph": graph}
    asked = [way for way, is_asked in ways.items() if is_asked]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(asked)} are different questions: give one")
    if graph and (as_json or as_csv):
        form = "--json" if as_json else "--csv"
        raise click.UsageError(f"--graph and {form} are two forms of the answer: give one")
    if graph:
        click.echo(st.library().graph())
        return 0
    if claims:
        found = st.claims(Progress("verified").show)
        show_csv(found, as_json) if as_csv else show(found, as_json)
        return int(found.fails)
    try:
        one = None if name is None else st.derivation(name)
    except st.UserError:  # no name: a chapter, a row of the lecture, or a word
        if not len(st.library(name or "")):
            raise
        one = None
    if one is None and short:
        raise click.UsageError("--short: name one derivation")
    if one is None:
        return _listed(st.library(name or ""), as_csv, as_json)
    if as_csv:
        raise click.UsageError(f"--csv: {name} is one derivation and no list")
    show(one, as_json, **({"short": True} if short and not as_json else {}))
    return int(not one.verified)


def _listed(every: Any, as_csv: bool, as_json: bool) -> int:
    """Print a list; in JSON with whether each is verified."""
    if as_csv:
        show_csv(every, as_json)
        return 0
    good = not as_json or every.verify(Progress("verified").show)
    show(every, as_json)
    return int(not good)


class WithStep(Asking):
    """`latex`, whose first name may be `step`: then what follows is the command line of a scenario."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == [latex_step.name]:
            return latex_step.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command("step", cls=Asking)
@scenario_options()
@click.option("--format", "form", type=click.Choice(FORMS), default="latex", show_default=True)
@click.option("-o", "--file", "to", type=click.Path(dir_okay=False, writable=True), help="Write to a file.")
@click.pass_context
def latex_step(ctx: click.Context, /, model: str, hardware: str, form: str, to: str | None, **_: Any) -> None:
    """Export one scenario's own formulas, as equations or as a function whose arguments are its base quantities."""
    import steptime as st

    found = st.step(model, hardware, **stated(ctx, "model", "hardware", "form", "to"))
    write(found.export(form), to)


latex_step.params = [one for one in latex_step.params if one.name != "as_json"]  # text is what comes out


@click.command(cls=WithStep)
@click.argument("names", nargs=-1, shell_complete=DERIVATION)
@click.option("--all", "everything", is_flag=True, help="The whole book, as a standalone document that compiles.")
@click.option("--format", "form", type=click.Choice(FORMS), default="latex", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True), help="Write to a file.")
def latex(names: tuple[str, ...], everything: bool, form: str, output: str | None) -> None:
    """Export derivations and terms: LaTeX, Markdown, Python, C or JavaScript. Everything is verified first.

    `latex step MODEL HARDWARE` exports one scenario's own formulas, with the options of `step`.
    """
    import steptime as st

    text = st.latex(*names, everything=everything, form=form, progress=Progress("verified").show)
    write(text, output)


def write(text: str, to: str | None) -> None:
    """To a file, or to standard output."""
    if to is None:
        click.echo(text, nl=False)
        return
    try:
        save(to, text)
    except OSError as error:
        raise click.UsageError(f"{to}: cannot be written ({error.strerror})") from None
