"""``catalog``: machines and models, each figure with its source."""

import click

from steptime.model.view.complete import entries
from steptime.model.view.options import CSV, JSON
from steptime.model.view.output import Asking, show, show_csv


@click.command(cls=Asking)
@click.argument("kind", type=click.Choice(["hardware", "models", "quantities", "sources", "schema"]))
@click.argument("name", required=False, shell_complete=entries)
@CSV
@JSON
def catalog(kind: str, name: str | None, as_csv: bool, as_json: bool) -> None:
    """List the catalogue, or show one entry (or a file of yours) with the source and date of every figure.

    With quantities and sources NAME is a word to look for in names and meanings; with schema it is a command, whose
    JSON Schema of what it prints with --json is shown.
    """
    import steptime as st

    if kind == "schema":
        from steptime.model.api.catalogue import schemas

        if as_csv or as_json:
            raise click.UsageError("a schema is JSON already: neither --csv nor --json")
        click.echo(schemas(name), nl=False)
        return
    found = st.catalogue(kind, name)
    show_csv(found, as_json) if as_csv else show(found, as_json)
