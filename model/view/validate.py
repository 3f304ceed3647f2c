"""``validate``: published measurements beside the ideal."""

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, show
from steptime.model.view.progress import Progress


@click.command(cls=Asking)
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--models", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.json or NAME.toml for other models.")  # fmt: skip
@click.option("--hardware", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.toml for other machines.")  # fmt: skip
@click.option("--rows", is_flag=True, help="List every row, not only the families.")
@JSON
def validate(file: str | None, models: str | None, hardware: str | None, rows: bool, as_json: bool) -> None:
    """Published measurements against the ideal: per row the ratio and what binds, or why it is not modelled.

    Without FILE, those of the catalogue.
    """
    import steptime as st

    show(st.validate(file, models, hardware, Progress("rows").show), as_json, rows=rows)
