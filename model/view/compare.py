"""``compare``: other tools' answers beside ours."""

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, show
from steptime.model.view.progress import Progress, wipe


@click.command(cls=Asking)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--models", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.json, NAME.toml or NAME/config.json for other models, at any depth.")  # fmt: skip
@click.option("--hardware", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.toml for other machines, at any depth.")  # fmt: skip
@click.option("--rows", is_flag=True, help="List every answer beside ours, not only the tools.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the causes as CSV; with --rows every answer.")
@JSON
def compare(
    file: str, models: str | None, hardware: str | None, rows: bool, as_csv: bool, as_json: bool
) -> None:  # fmt: skip
    """What other tools answered to the same cases beside ours, and which of our terms explains each difference.

    FILE is a CSV with the columns case, tool, phase, model, hardware, chips, quantity, value, and as in a file of
    measurements weights, activations, kv, batch, prompt, context, tp, pp, ep, dp, cp, unit. A term is multiplied by one
    number over all of a tool's cases, and counts for what it does on cases that the number was not fitted to. FILE may
    also be rules-of-thumb, an example.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of the answer: give one")
    import steptime as st

    found = st.compare(file, models, hardware, Progress("compared").show)
    if as_csv:
        wipe()
        click.echo(found.csv(rows=rows), nl=False)
    else:
        show(found, as_json, **({} if as_json else {"rows": rows}))
