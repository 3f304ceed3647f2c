"""``derive`` and ``latex``: derivations shown and exported."""

from typing import Any

import click

from steptime.model.view.complete import DERIVATION
from steptime.model.view.options import CSV, JSON
from steptime.model.view.output import Asking, show, show_csv
from steptime.model.view.progress import Progress
from steptime.model.view.save import save


@click.command(cls=Asking)
@click.argument("name", required=False, shell_complete=DERIVATION)
@click.option("--claims", is_flag=True, help="Every number of the lecture beside ours; exit code 1 where ours fails.")
@click.option("--graph", is_flag=True, help="Which derivation uses which, as a Mermaid graph.")
@CSV
@JSON
def derive(name: str | None, claims: bool, graph: bool, as_csv: bool, as_json: bool) -> int:
    """The chapters of derivations, or one derivation: every line with its reason, the numbers put in, and the result.

    NAME is a derivation's, or what is looked for: a chapter (3), a row of the lecture (1.5), or any word.
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
    if one is None:
        return _listed(st.library(name or ""), as_csv, as_json)
    if as_csv:
        raise click.UsageError(f"--csv: {name} is one derivation and no list")
    show(one, as_json)
    return int(not one.verified)


def _listed(every: Any, as_csv: bool, as_json: bool) -> int:
    """Print a list; in JSON with whether each is verified."""
    if as_csv:
        show_csv(every, as_json)
        return 0
    good = not as_json or every.verify(Progress("verified").show)
    show(every, as_json)
    return int(not good)


@click.command(cls=Asking)
@click.argument("names", nargs=-1, shell_complete=DERIVATION)
@click.option("--all", "everything", is_flag=True, help="The whole book, as a standalone document that compiles.")
@click.option(
    "--format", "form", type=click.Choice(["latex", "markdown", "python", "c"]), default="latex", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True), help="Write to a file.")
def latex(names: tuple[str, ...], everything: bool, form: str, output: str | None) -> None:
    """Export derivations and terms: LaTeX, Markdown, Python or C. Everything is verified first."""
    import steptime as st

    text = st.latex(*names, everything=everything, form=form, progress=Progress("verified").show)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        save(output, text)
    except OSError as error:
        raise click.UsageError(f"{output}: cannot be written ({error.strerror})") from None
