"""``report``: one scenario as a page."""

from typing import Any

import click

from steptime.model.view.derive import write
from steptime.model.view.options import scenario_options
from steptime.model.view.output import Asking, stated


@click.command(cls=Asking)
@scenario_options()
@click.option("--format", "form", type=click.Choice(["html", "md"]), default="html", show_default=True)
@click.option("-o", "--file", "to", type=click.Path(dir_okay=False, writable=True), help="Write to a file.")
@click.pass_context
def report(ctx: click.Context, /, model: str, hardware: str, form: str, to: str | None, **_: Any) -> None:
    """One scenario as a page that recomputes in a browser: open it from disk, move what you like, send its link.

    The page holds the scenario's formulas, and asks nothing of any network; md is static.
    """
    import steptime as st

    found = st.step(model, hardware, **stated(ctx, "model", "hardware", "form", "to"))
    write(found.report(form), to)


report.params = [one for one in report.params if one.name != "as_json"]  # a page is what comes out
