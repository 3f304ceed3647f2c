"""``validate``: published measurements beside the ideal."""

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, show
from steptime.model.view.progress import Progress, wipe


@click.command(cls=Asking)
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--models", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.json, NAME.toml or NAME/config.json for other models, at any depth.")  # fmt: skip
@click.option("--hardware", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.toml for other machines, at any depth.")  # fmt: skip
@click.option("--by", metavar="COLUMN,…", help="What rows are grouped by, as model,hardware,stack or source,phase.  "
                                               "[default: family,phase]")  # fmt: skip
@click.option("--rows", is_flag=True, help="List every row with its terms, not only the groups.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the groups as CSV; with --rows every row.")
@click.option("--efficiency", metavar="ideal|calibrated|FILE.toml",
              help="Estimates beside the bound: by the shipped coefficients, those of a file, or none.  "
                   "[default: calibrated]")  # fmt: skip
@JSON
def validate(
    file: str | None,
    models: str | None,
    hardware: str | None,
    by: str | None,
    rows: bool,
    efficiency: str | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Published measurements against the ideal and the estimate: per row the ratio and what binds, or why it is not
    modelled.

    Without FILE, those of the catalogue.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of the answer: give one")
    import steptime as st

    found = st.validate(file, models, hardware, Progress("rows").show, by, efficiency)
    if as_csv:
        wipe()
        click.echo(found.csv(rows=rows), nl=False)
    else:
        show(found, as_json, **({} if as_json else {"rows": rows}))
