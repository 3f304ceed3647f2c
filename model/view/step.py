"""``step``: one scenario."""

from typing import Any

import click

from steptime.model.view.options import range_option, scenario_options
from steptime.model.view.output import Asking, ranges, show, stated


@click.command(cls=Asking)
@scenario_options()
@range_option
@click.pass_context
def step(ctx: click.Context, /, model: str, hardware: str, as_json: bool, **_: Any) -> None:
    """One scenario: its terms, what binds, throughput, cost, memory, and where the terms cross."""
    import steptime as st

    found = st.step(model, hardware, **stated(ctx, "model", "hardware"))
    limits = ranges(ctx)
    show(found.ranges(**limits) if limits else found, as_json)
