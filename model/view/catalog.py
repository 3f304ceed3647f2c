"""``catalog``: machines and models, each figure with its source."""

import click

from steptime.model.view.complete import entries
from steptime.model.view.options import CSV, JSON
from steptime.model.view.output import Asking, show, show_csv


@click.command(cls=Asking)
@click.argument("kind", type=click.Choice(["hardware", "models", "quantities"]))
@click.argument("name", required=False, shell_complete=entries)
@CSV
@JSON
def catalog(kind: str, name: str | None, as_csv: bool, as_json: bool) -> None:
    """List the catalogue, or show one entry (or a file of yours) with the source and date of every figure.

    With quantities NAME is a word to look for in names and meanings.
    """
    import steptime as st

    found = st.catalogue(kind, name)
    show_csv(found, as_json) if as_csv else show(found, as_json)
