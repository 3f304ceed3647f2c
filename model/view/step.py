"""``step``: one scenario, or several side by side."""

from typing import Any

import click

from steptime.model.view.complete import HARDWARE, MODEL
from steptime.model.view.options import CSV, engine_option, range_option, repeated, workload_options
from steptime.model.view.output import Asking, ranges, show, show_csv, stated
from steptime.model.view.scenario import scenario_files

SEVERAL = ("layout", "weights", "kv", "activations")
"""Options that may be repeated: each value makes a step of its own."""


@click.command(cls=Asking)
@click.argument("model", shell_complete=MODEL)
@click.argument("hardware", nargs=-1, required=True, shell_complete=HARDWARE)
@scenario_files
@workload_options()
@range_option
@click.option("--measured", metavar="VALUE",
              help="What was measured: 38ms, 1200 tok/s of all chips, 42% MFU, 400 TFLOP/s a chip.")  # fmt: skip
@engine_option("Print the command line that runs this layout on an engine, or why there is none.")
@CSV
@click.pass_context
def step(
    ctx: click.Context, /, model: str, hardware: tuple[str, ...], measured: str | None, engine: str | None,
    as_csv: bool, as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """One scenario: its terms, what binds, throughput, cost, memory, and what would change it.

    Several HARDWARE, --layout, --weights, --kv or --activations stand side by side, one row each.
    """
    import steptime as st

    words, limits = stated(ctx, "model", "hardware", "measured", "engine", "as_csv"), ranges(ctx)
    if (measured is not None) + bool(limits) + (engine is not None) > 1:
        raise click.UsageError("--measured, --range and --engine are different questions: give one")
    given = {name: words[name] for name in SEVERAL if isinstance(words.get(name), tuple)}  # else by --set
    if as_csv or len(hardware) > 1 or any(len(values) > 1 for values in given.values()):
        if measured is not None or limits or engine is not None:
            which = "--range" if limits else "--measured" if engine is None else "--engine"
            raise click.UsageError(f"{which} is of one step: name one machine, layout and format, and no --csv")
        found = st.side_by_side(model, hardware, **words)
        show_csv(found, as_json) if as_csv else show(found, as_json)
        return
    one = st.step(model, hardware[0], **{**words, **{name: value for name, (value,) in given.items()}})
    if engine is not None:
        from steptime.model.api.command import launched

        show(launched(one, engine, model), as_json)
        return
    if measured is not None:
        show(one.against(measured), as_json)
        return
    show(one.ranges(**limits) if limits else one, as_json)


for option in SEVERAL:
    repeated(step, option)
