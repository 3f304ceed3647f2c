"""``sweep``: any number of points from a spec."""

from typing import Any

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, show
from steptime.model.view.progress import Progress


@click.command(cls=Asking)
@click.argument("spec", type=click.Path(dir_okay=False), metavar="SPEC.toml")
@click.option("-o", "--out", metavar="OUT", help="File of what is kept, or folder of all rows: .csv, .arrow, .parquet.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes on this machine.  [default: one a core]")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers do it, as tcp://127.0.0.1:8786.")
@click.option("--resume", is_flag=True, help="Go on where the same sweep to the same place was interrupted.")
@click.option("--dry-run", is_flag=True, help="Say how many points, bytes and seconds, and do nothing.")
@JSON
def sweep(
    spec: str,
    out: str | None,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Work out every point of a SPEC: models, machines, layouts, formats and any quantities, on a grid or in a design.

    What the spec keeps of them is exact: the best, Pareto fronts, histograms, what binds; quantiles to a stated error.
    """
    import steptime as st

    progress = Progress("sweep")
    more: dict[str, Any] = {"workers": workers, "scheduler": scheduler, "resume": resume, "dry_run": dry_run}
    show(st.sweep(spec, out, progress=progress.count, **more), as_json)
