"""``solve fleet``: the mix of machines that serves a demand."""

from typing import Any

import click

from steptime.model.view.options import JSON
from steptime.model.view.output import Asking, ranges, show, with_ranges
from steptime.model.view.progress import Progress


@click.command(cls=Asking)
@click.argument("demand", type=click.Path(dir_okay=False), metavar="DEMAND.toml")
@click.option("--csv", "as_csv", is_flag=True, help="Print the groups as CSV.")
@click.option("--range", "ranges", multiple=True, metavar="NAME=lo..hi",
              help="A rate or a price within limits, as chat.rate=8..16 or h200-sxm.price=2$/h..4$/h; may be "
              "repeated.")  # fmt: skip
@JSON
@click.pass_context
def fleet(ctx: click.Context, /, demand: str, as_csv: bool, as_json: bool, **_: Any) -> None:
    """The mix of machines that serves a DEMAND at least cost, and what every chip, watt and millisecond is worth.

    DEMAND states classes of requests (rates, lengths, limits on waiting) and hardware on offer (prices, stocks); see
    examples/fleets.
    """
    import steptime as st

    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of the answer: give one")
    if as_csv and ranges(ctx):
        raise click.UsageError("--csv holds no ranges: use --json, or leave --range out")
    found = st.fleet(demand, progress=Progress("fleet").show)
    if as_csv:
        click.echo(found.csv(), nl=False)
    else:
        show(with_ranges(found, ctx), as_json)
