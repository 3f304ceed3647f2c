"""What of an answer is seen first, and what is folded away with its count."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Group
from rich.text import Text


@dataclass(frozen=True)
class Fold:
    """Parts of an answer that are folded away; ``said`` counts them in the last line, where they are worth a count."""

    parts: tuple[Any, ...]
    said: str = ""


class Screen(Group):
    """The parts that are seen first, in their order, and one last line that says what is folded away.

    >>> from steptime.model.text.format import counted
    >>> screen = Screen(Text("memory binds"), Fold((Text("batch 64"),), counted(1, "default")))
    >>> [part.plain for part in screen.renderables], [part.plain for part in screen.unfolded().renderables]
    (['memory binds', '1 default: `unfolded`'], ['memory binds', 'batch 64'])
    """

    def __init__(self, *parts: Any) -> None:
        self.parts = tuple(flat(parts))
        counts = [part.said for part in self.parts if isinstance(part, Fold) and part.said]
        seen = [part for part in self.parts if not isinstance(part, Fold)]
        # A name in backticks is what opens it: a method in Python, an option on the command line.
        footer = [Text(f"{', '.join(counts)}: `unfolded`", style="dim")] if counts else []
        super().__init__(*seen, *footer)

    def unfolded(self) -> Group:
        """Everything, each part at its place."""
        opened: list[Any] = []
        for part in self.parts:
            opened += part.parts if isinstance(part, Fold) else [part]
        return Group(*opened)


def flat(parts: Iterable[Any]) -> Iterator[Any]:
    """The parts of an answer one by one: those of an answer within it stand among them."""
    for part in parts:
        if isinstance(part, Screen):
            yield from part.parts
        elif isinstance(part, Group):
            yield from flat(part.renderables)
        else:
            yield part


def unfolded(answer: Group) -> Group:
    """An answer with everything that it folds away."""
    return Screen(answer).unfolded()
