"""What every command does: build the case of its options, print the answer. Imports nothing heavy before it must."""

import json
from collections.abc import Callable
from typing import Any

import click


def show(as_json: bool, data: Callable[[], Any], view: Callable[[], Any]) -> None:
    """Print the answer: one JSON object, or a table."""
    from steptime.model.text.format import console, finite

    if as_json:
        click.echo(json.dumps(finite(data()), indent=1, allow_nan=False, ensure_ascii=False))
    else:
        console().print(view())


def build(options: dict[str, Any]) -> Any:
    """The case of a command's options."""
    from steptime.model.step.build import build_case
    from steptime.model.step.inputs import Question

    return build_case(Question(**options))
