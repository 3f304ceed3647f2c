"""``step``: one scenario."""

from typing import Any

import click

from steptime.model.view.options import range_option, scenario_options
from steptime.model.view.output import Asking, ranges, show, stated


@click.command(cls=Asking)
@scenario_options()
@range_option
@click.option("--measured", metavar="VALUE",
              help="What was measured: 38ms, 1200 tok/s of all chips, 42% MFU, 400 TFLOP/s a chip.")  # fmt: skip
@click.pass_context
def step(ctx: click.Context, /, model: str, hardware: str, measured: str | None, as_json: bool, **_: Any) -> None:
    """One scenario: its terms, what binds, throughput, cost, memory, and where the terms cross."""
    import steptime as st

    found = st.step(model, hardware, **stated(ctx, "model", "hardware", "measured"))
    limits = ranges(ctx)
    if measured is not None and limits:
        raise click.UsageError("--measured and --range are different questions: give one")
    if measured is not None:
        show(found.against(measured), as_json)
        return
    show(found.ranges(**limits) if limits else found, as_json)
