"""``step``: one scenario."""

from typing import Any

import click

from steptime.model.view.options import engine_option, range_option, scenario_options
from steptime.model.view.output import Asking, ranges, show, stated


@click.command(cls=Asking)
@scenario_options()
@range_option
@click.option("--measured", metavar="VALUE",
              help="What was measured: 38ms, 1200 tok/s of all chips, 42% MFU, 400 TFLOP/s a chip.")  # fmt: skip
@engine_option("Print the command line that runs this layout on an engine, or why there is none.")
@click.pass_context
def step(
    ctx: click.Context, /, model: str, hardware: str, measured: str | None, engine: str | None, as_json: bool, **_: Any
) -> None:
    """One scenario: its terms, what binds, throughput, cost, memory, and where the terms cross."""
    import steptime as st

    found = st.step(model, hardware, **stated(ctx, "model", "hardware", "measured", "engine"))
    limits = ranges(ctx)
    if (measured is not None) + bool(limits) + (engine is not None) > 1:
        raise click.UsageError("--measured, --range and --engine are different questions: give one")
    if engine is not None:
        from steptime.model.api.command import launched

        show(launched(found, engine, model), as_json)
        return
    if measured is not None:
        show(found.against(measured), as_json)
        return
    show(found.ranges(**limits) if limits else found, as_json)
