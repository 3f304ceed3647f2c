"""What to say of an option that a command does not have: which it may have been, here or in another command.

Imports nothing heavy before it must: only a slip comes here.
"""

from collections.abc import Iterator
from difflib import get_close_matches

import click

MOST = 4
"""Commands that are named."""
WHOLE = ("tp", "cp", "dp", "ep", "pp", "replicas")
DEGREES = (*WHOLE, "ffn", "copies")
"""Parts of a layout."""
CLOSE = 0.75
"""Likeness from which on an option may have been meant; the hyphens alone make for some."""


class Suggesting(click.Command):
    """A command that answers an unknown option with options that there are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        typed = list(args)
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(no_such_option(error.option_name, ctx), ctx) from None
        if not ctx.resilient_parsing:
            self._must_be_once(ctx, typed)
        return rest

    def _must_be_once(self, ctx: click.Context, typed: list[str]) -> None:
        """An option of one value that is given twice is a slip: which of them is meant is not guessed."""
        _, _, given = self.make_parser(ctx).parse_args(typed)
        for one in given:
            if not isinstance(one, click.Option) or one.multiple or one.count or given.count(one) == 1:
                continue
            if not one.is_flag or one.secondary_opts:
                raise click.UsageError(f"{'/'.join(one.opts[-1:] + one.secondary_opts)} is given twice", ctx)


class Repeating(Suggesting):
    """A command that takes the options of another one: that one is named to who looks for them."""


class SuggestingGroup(Suggesting, click.Group):
    """A group that does so too."""


def no_such_option(name: str, ctx: click.Context) -> str:
    """One line on an unknown option: its best match here, the commands that have it, or the quantity that it names."""
    said, own = f"No such option {name!r} of {_path(ctx)}", _options(ctx.command)
    elsewhere: dict[str, list[str]] = {}
    for path, command in _commands(ctx.find_root().command, ""):
        if command is not ctx.command:
            for option in _options(command):
                elsewhere.setdefault(option, []).append(path)
    if name in elsewhere:
        return f"{said}; {_listed(elsewhere[name])} {'has' if len(elsewhere[name]) == 1 else 'have'} it"
    if name[2:] in DEGREES and "--layout" in own:
        example = f"{name[2:]}=8" if name[2:] in WHOLE else "ffn=all" if name == "--ffn" else "copies=per-expert"
        return f"{said}; --layout {example} gives that, with other degrees as tp=8,pp=2"
    if "--set" in own and name.removeprefix("--").replace("-", "_") in _quantities():
        return f"{said}; --set {name.removeprefix('--').replace('-', '_')}=VALUE gives that quantity"
    if close := get_close_matches(name, own, cutoff=CLOSE):
        return f"{said}; did you mean {' or '.join(close)}?"
    if close := get_close_matches(name, list(elsewhere), n=1, cutoff=CLOSE):
        return f"{said}; did you mean {close[0]} of {_listed(elsewhere[close[0]])}?"
    return f"{said}; {_path(ctx)} --help lists those that there are"


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, with what is typed for it."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{path} {name}".strip())
    elif not isinstance(command, Repeating):
        yield path, command


def _options(command: click.Command) -> list[str]:
    """Long names of a command's own options."""
    return [name for one in command.params if isinstance(one, click.Option) for name in one.opts if name[:2] == "--"]


def _quantities() -> set[str]:
    from steptime.model import symbols
    from steptime.model.quantity import declared

    return {name for name in declared() if hasattr(symbols, name)}


def _listed(paths: list[str]) -> str:
    return ", ".join(paths[:MOST]) + (" and others" if len(paths) > MOST else "")


def _path(ctx: click.Context) -> str:
    """What was typed for the command, without the program's own name."""
    names = [one.info_name or "" for one in _parents(ctx)]
    return " ".join(names[1:] or names)


def _parents(ctx: click.Context) -> list[click.Context]:
    return [*(_parents(ctx.parent) if ctx.parent else []), ctx]
