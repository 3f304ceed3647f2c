"""``--scenario`` and ``--save``: what a command is asked, from a file and to a file.

Imports nothing heavy before it must.
"""

from collections.abc import Callable
from typing import Any

import click

from steptime.model.errors import UserError
from steptime.model.view.save import save

SETS = "steptime.sets"
"""Where what a file sets by hand is kept."""
SAVED = "steptime.saved"
"""Where the file is kept to which the scenario is written."""
GIVEN = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP)
"""Where a value comes from that was stated: typed, or in a file."""


def _read(ctx: click.Context, _: click.Parameter, path: str | None) -> None:
    """What a file states stands where nothing is typed. A key is an option's, or a quantity that is set."""
    if path is None:
        return
    from steptime.model.api.scenario_file import read_scenario

    try:
        found = read_scenario(path)
    except UserError as error:
        raise click.UsageError(str(error)) from None
    own = ("sets", "as_json", "as_csv")
    options = {one.name: one for one in ctx.command.params if one.expose_value and one.name not in own}
    ctx.meta[SETS] = {name: value for name, value in found.items() if name not in options}
    if wrong := [name for name, value in ctx.meta[SETS].items() if isinstance(value, bool | list)]:
        raise click.UsageError(f"{path}: {wrong[0][:40]}: no option of {ctx.info_name}, and no value of a quantity")
    ctx.default_map = {name: _value(options[name], value, path) for name, value in found.items() if name in options}


def _value(option: click.Parameter, value: Any, path: str) -> Any:
    """A value as it would be typed; a list of them where there may be several."""
    several = getattr(option, "multiple", False) or option.nargs == -1
    if isinstance(value, list) and not several:
        if len(value) != 1:
            raise click.UsageError(f"{path}: {option.name}: one value, no list")
        value = value[0]
    if isinstance(value, bool):
        return value
    return [str(one) for one in (value if isinstance(value, list) else [value])] if several else str(value)


def _keep(ctx: click.Context, _: click.Parameter, path: str | None) -> None:
    ctx.meta[SAVED] = path


def scenario_files(function: Callable[..., Any]) -> Callable[..., Any]:
    """The two options, of commands that ask about one model on machines."""
    read = click.option(
        "--scenario", metavar="FILE.toml", type=click.Path(dir_okay=False), is_eager=True, expose_value=False,
        callback=_read, help="Take what is not typed from a file: model, hardware, options by name, quantities.",
    )  # fmt: skip
    kept = click.option(
        "--save", metavar="FILE.toml", type=click.Path(dir_okay=False, writable=True), expose_value=False,
        callback=_keep, help="Write what was asked, typed or from a file, to a file that --scenario reads.",
    )  # fmt: skip
    return read(kept(function))


def save_scenario(ctx: click.Context, stated: Callable[..., dict[str, Any]]) -> None:
    """Write the scenario, where that was asked for: model and machines first, then what was ``stated``."""
    path = ctx.meta.get(SAVED)
    if path is None:
        return
    from steptime.model.api.scenario_file import scenario_text

    found = stated(ctx, "as_csv")
    words = {name: found.pop(name) for name in ("model", "hardware")} | found
    if ctx.params.get("ranges"):
        words["ranges"] = ctx.params["ranges"]
    words = {name: value[0] if isinstance(value, tuple) and len(value) == 1 else value for name, value in words.items()}
    try:
        save(path, scenario_text(words))
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be written ({error.strerror})") from None
