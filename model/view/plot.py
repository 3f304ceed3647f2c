"""``plot``: an answer as a picture, or the numbers of the picture. Each kind takes what the command of its question
takes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from steptime.model.view.fleet import fleet
from steptime.model.view.options import scenario_options
from steptime.model.view.output import Asking, show, stated
from steptime.model.view.progress import Progress, wipe
from steptime.model.view.save import save
from steptime.model.view.solve import batch, cache, layout, machine
from steptime.model.view.step import step as beside
from steptime.model.view.suggest import Repeating, SuggestingGroup
from steptime.model.view.validate import validate

FORMS = ("png", "svg", "pdf")
OWN = ("out", "as_csv", "dark")
MEASURED = next(one for one in beside.params if one.name == "measured")
NOT_DRAWN = ("ranges", "as_csv", "rows", "chip")
"""Options of questions whose answers have no picture of their own."""
Ask = Callable[[dict[str, Any]], Callable[..., Any]]
"""Asks a question, in the words of the Python interface; returns what gives the numbers of the answer's pictures."""


@click.command()
@scenario_options()
def step(**_: Any) -> None:
    """One step, of which there are many pictures."""


class Picture(Asking, Repeating):
    """A command that takes the options of its question."""


@click.group(cls=SuggestingGroup)
def plot() -> None:
    """An answer as a picture, -o FILE.png, .svg or .pdf, or the numbers that it shows, --csv or --json."""


def picture(
    kind: str, question: click.Command, ask: Ask, about: str, own: Sequence[click.Parameter] = (),
    instead: Sequence[click.Parameter] = (), more: Sequence[click.Parameter] = (),
) -> None:  # fmt: skip
    """The command of a kind: options of the ``question``, what is asked of the Python interface, and its picture.

    ``own``: options of the picture, which go to it and not to the question; ``instead``: options of the question that
    say something else here; ``more``: further ones of the question.
    """
    other = {one.name: one for one in instead}
    taken = [other.get(one.name, one) for one in question.params if one.name not in NOT_DRAWN]
    names = {str(one.name) for one in own}

    @click.pass_context
    def drawn(ctx: click.Context, /, out: str | None, as_csv: bool, dark: bool, as_json: bool, **_: Any) -> None:
        if as_csv and as_json:
            raise click.UsageError("--csv and --json are two forms of the numbers: give one")
        form = None if out is None else _form(out)
        if form is None and not (as_csv or as_json):
            raise click.UsageError("give -o FILE.png, FILE.svg or FILE.pdf; or --csv or --json for the numbers")
        words = stated(ctx, *OWN)
        given = {name: words.pop(name) for name in names & words.keys()}
        chart = ask(words)(kind, **given)
        if out is not None and form is not None:
            from steptime.model.plot.kinds import file_of

            _write(out, chart.csv() if form == "csv" else file_of(chart, form, dark))
        wipe()
        if as_csv:
            click.echo(chart.csv(), nl=False)
        elif as_json:
            show(chart, True)

    plot.add_command(Picture(kind, callback=drawn, params=[*taken, *more, *own, *_out()], help=about, short_help=about))


def _out() -> list[click.Parameter]:
    """Where the picture goes."""
    return [
        click.Option(["-o", "--file", "out"], type=click.Path(dir_okay=False), metavar="FILE",
                     help="The picture, as .png, .svg or .pdf; .csv for its numbers."),
        click.Option(["--dark"], is_flag=True, help="For a dark page."),
        click.Option(["--csv", "as_csv"], is_flag=True, help="Print the numbers that the picture shows as CSV."),
    ]  # fmt: skip


def _form(out: str) -> str:
    form = Path(out).suffix.lower().removeprefix(".")
    if form not in (*FORMS, "csv"):
        raise click.UsageError(f"-o {out[:60]}: the name ends in .png, .svg or .pdf, or .csv for the numbers")
    return form


def _write(out: str, content: str | bytes) -> None:
    try:
        save(out, content)
    except OSError as error:
        raise click.UsageError(f"{out}: cannot be written ({error.strerror})") from None


def _api(name: str, progress: str = "") -> Ask:
    """A question of the Python interface; with ``progress``, a word for what is done, one that shows how far it is."""

    def ask(words: dict[str, Any]) -> Callable[..., Any]:
        import steptime as st

        more = {"progress": Progress(progress).show} if progress else {}
        answer = getattr(st, name)(**words, **more)
        chart: Callable[..., Any] = answer.chart
        return chart

    return ask


def _measured(words: dict[str, Any]) -> Callable[..., Any]:
    """A step, or one beside what was measured of it."""
    import steptime as st

    said = words.pop("measured", None)
    asked = st.step(**words)
    return asked.chart if said is None else asked.against(said).chart


def _felt(words: dict[str, Any]) -> Callable[..., Any]:
    """A step as it stands where its batch is stated, else at its best batch."""
    import steptime as st

    own = {name: words.pop(name) for name in ("minimise", "max_step_time", "limits") if name in words}
    if "batch" not in words:
        return st.step(**words).best_batch(**own).chart
    if own:
        raise st.UserError(f"`batch` is held, so that none is chosen by `{next(iter(own))}`: give one of them")
    return st.step(**words).chart


def _truth(words: dict[str, Any]) -> Callable[..., Any]:
    """Measured rows, of which a column says what they are told apart by."""
    import steptime as st

    by = words.pop("by", "phase")
    return partial(st.validate(by=by, progress=Progress("rows").show, **words).chart, by=by)


def _each_machine(words: dict[str, Any]) -> Callable[..., Any]:
    """A search on each machine alone, so that each has its own front."""
    from steptime.model.api.fronts import fronts

    first, *others = fronts(progress=lambda said: Progress(said).show, **words)
    return partial(first.chart, beside=others)


picture("batch", step, _api("step"), "How long each term takes against batch; bound, estimate, crossovers.")
picture("cost", step, _api("step"), "What a token costs against batch: terms, bound, estimate, floor, best batch.")
picture("context", step, _api("step"), "What a token costs against context; where published prices step up.")
picture("roofline", step, _api("step"), "FLOP/s against FLOP per byte: the roof, each operation, the whole step.")
picture("regimes", step, _api("step"), "Which term binds over batch and context, and the boundaries between.")
picture("breakdown", step, _measured, "Where the time goes: each operation by resource, the estimate's terms, and a "
        "measurement.", more=[MEASURED])  # fmt: skip
picture("memory", step, _api("step"), "What fills the fullest chip, at this layout and at others.", own=[
    click.Option(["--against"], multiple=True, metavar="LAYOUT",
                 help="Another layout beside, as tp=4,dp=2; may be repeated.  [default: other ways to share the model "
                 "among as many chips]")])  # fmt: skip
picture("sensitivity", batch, _felt, "What one per cent more of each quantity changes: at the batch that is stated, "
        "else at the best one.", instead=[
    click.Option(["--batch"], help="Sequences in flight over all chips.  [default: the best]")])  # fmt: skip
picture("schedule", step, _api("step"), "When each stage of a pipeline runs which pass; with --phase train.")
picture("tiers", cache, _api("cache"), "What keeping a KV cache costs against time, by where it lies.")
picture("spend", machine, _api("machine"), "Where the money of the best machine goes.")
picture("fleet", fleet, _api("fleet", "fleet"), "What the groups of the cheapest fleet cost.")
picture("truth", validate, _truth, "Times by the estimate against measured ones.", instead=[
    click.Option(["--by"], metavar="COLUMN,…", help="What rows are told apart by, as model or hardware,stack.  "
                 "[default: phase]")])  # fmt: skip
picture("pareto", layout, _each_machine, "Speed of a sequence against throughput per chip, $ and MW, by machine.")
