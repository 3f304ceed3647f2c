"""``derive`` and ``latex``: derivations shown and exported."""

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, show
from steptime.model.view.progress import Progress
from steptime.model.view.save import save


@click.command(cls=Asking)
@click.argument("name", required=False)
@click.option("--claims", is_flag=True, help="Every number of the lecture beside ours; exit code 1 where ours fails.")
@click.option("--graph", is_flag=True, help="Which derivation uses which, as a Mermaid graph.")
@JSON
def derive(name: str | None, claims: bool, graph: bool, as_json: bool) -> int:
    """The chapters of derivations, or one derivation: every line with its reason, the numbers put in, and the result.

    NAME is a derivation's, or what is looked for: a chapter (3), a row of the lecture (1.5), or any word.
    """
    import steptime as st

    ways = {"NAME": name is not None, "--claims": claims, "--graph": graph}
    asked = [way for way, is_asked in ways.items() if is_asked]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(asked)} are different questions: give one")
    if graph and as_json:
        raise click.UsageError("--graph and --json are two forms of the answer: give one")
    if graph:
        click.echo(st.library().graph())
        return 0
    if claims:
        found = st.claims(Progress("verified").show)
        show(found, as_json)
        return int(found.fails)
    if name is None:
        every = st.library()
        good = not as_json or every.verify(Progress("verified").show)
        show(every, as_json)
        return int(not good)
    try:
        one = st.derivation(name)
    except st.UserError:  # no name: a chapter, a row of the lecture, or a word
        if not len(found := st.library(name)):
            raise
        good = not as_json or found.verify(Progress("verified").show)
        show(found, as_json)
        return int(not good)
    show(one, as_json)
    return int(not one.verified)


@click.command(cls=Asking)
@click.argument("names", nargs=-1)
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
