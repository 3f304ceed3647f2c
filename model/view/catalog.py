"""``catalog``: machines and models, each figure with its source."""

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, show


@click.command(cls=Asking)
@click.argument("kind", type=click.Choice(["hardware", "models", "schema"]))
@click.argument("name", required=False)
@JSON
def catalog(kind: str, name: str | None, as_json: bool) -> None:
    """List the catalogue, or show one entry (or a file of yours) with the source and date of every figure; or the JSON
    Schema of what a command prints with --json."""
    import steptime as st

    if kind == "schema":
        from steptime.model.api.catalogue import schemas

        click.echo(schemas(name), nl=False)
        return
    show(st.catalogue(kind, name), as_json)
