"""What a shell completes: names of the catalogue, quantities and derivations, beside files.

Click has the scripts of bash, zsh and fish: ``eval "$(_STEPTIME_COMPLETE=bash_source steptime)"``. Imports nothing
heavy before somebody presses the key.
"""

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

Completing = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names(kind: str, files: bool = False, after: str = "") -> Completing:
    """Names of a kind, each followed by ``after``; a file where what is typed looks like one."""

    def complete(ctx: click.Context, parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
        from steptime.model.api.completion import names_of

        found = [CompletionItem(f"{name}{after}") for name in names_of(kind, beginning)]
        looks_so = not found or beginning.startswith((".", "/", "~"))
        return [*found, CompletionItem(beginning, type="file")] if files and looks_so else found

    return complete


def entries(ctx: click.Context, parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Entries of the kind that was typed before."""
    kind: Any = ctx.params.get("kind")
    return names(kind, files=kind not in ("quantities", "sources"))(ctx, parameter, beginning) if kind else []


MODEL, HARDWARE = names("models", files=True), names("hardware", files=True)
QUANTITY, SETTING, DERIVATION = names("quantities"), names("quantities", after="="), names("derivations")
