"""``calibrate``: coefficients of the estimate from measured rows."""

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, show
from steptime.model.view.progress import Progress
from steptime.model.view.save import save


@click.command(cls=Asking)
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False))
@click.option("--models", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.json or NAME.toml for other models.")  # fmt: skip
@click.option("--hardware", type=click.Path(file_okay=False, exists=True),
              help="Folder of NAME.toml for other machines.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, writable=True),
              help="Write the coefficients to a file that --efficiency reads.")  # fmt: skip
@JSON
def calibrate(
    files: tuple[str, ...], models: str | None, hardware: str | None, output: str | None, as_json: bool
) -> None:
    """Fit the estimate's coefficients to measured steps, and say how far off it is on rows left out.

    Without FILES, those of the catalogue: what comes out is the set that the package carries.
    """
    import steptime as st

    found = st.calibrate(*files, models=models, hardware=hardware, progress=Progress("fitted").show)
    if output is not None:
        try:
            save(output, found.toml)
        except OSError as error:
            raise click.UsageError(f"{output}: cannot be written ({error.strerror})") from None
    show(found, as_json)
