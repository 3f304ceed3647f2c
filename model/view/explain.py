"""``explain``: one scenario in plain sentences."""

from typing import Any

import click

from steptime.model.view.options import scenario_options
from steptime.model.view.output import Asking, show, stated


@click.command(cls=Asking)
@scenario_options()
@click.pass_context
def explain(ctx: click.Context, /, model: str, hardware: str, as_json: bool, **_: Any) -> None:
    """One scenario in five plain sentences: how long, why, what it gives, what it holds, what would change it."""
    import steptime as st

    show(st.step(model, hardware, **stated(ctx, "model", "hardware")).explain(), as_json)
