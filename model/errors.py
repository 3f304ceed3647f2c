"""What can go wrong: what the user got wrong, what has no value, an optimum or a proof that fails its check.

Messages are one line, in the words of the Python interface: what, where, what next. A name in backticks is an argument
or a quantity; the command line shows it as the option that gives it.
"""

from steptime.model.names import matches


def printable(text: str) -> str:
    r"""A text with whatever a terminal would obey, or cannot show, written as its escape: names of files, and what
    stands in them, may hold control characters and half a character of UTF-16.

    >>> print(printable("a\x1b[31m.toml"), printable("Φ"))
    a\x1b[31m.toml Φ
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class UserError(ValueError):
    """The input cannot be used as given; one line, whatever stood in the input."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(" ".join(message.split())))


class Swapped(UserError):
    """A machine was named where the model belongs, and a model, ``model``, where the machine belongs, ``hardware``."""

    def __init__(self, model: str, hardware: str) -> None:
        self.model, self.hardware = model, hardware
        super().__init__(f"`model` {hardware!r} is hardware, and `hardware` {model!r} is a model: they are swapped")


class Unbound(ValueError):
    """A quantity is needed that has neither a value nor a definition; ``names`` says which."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        super().__init__(f"no value for {', '.join(sorted(names))}")


class NotSolved(RuntimeError):
    """The optimiser's point failed its check, primal or dual."""


class NotVerified(ValueError):
    """A line of a derivation does not follow, or cannot be decided; the message names derivation, line and reason."""


def unknown(kind: str, name: str, known: list[str], hint: str = "") -> UserError:
    """An unknown name, answered with its best matches.

    >>> print(unknown("hardware", "h10-sxm", ["h100-sxm", "tpuv4"]))
    unknown hardware 'h10-sxm'; did you mean h100-sxm?
    """
    return suggesting(kind, name, matches(name, known), hint or f"known: {', '.join(known[:8])}, …")


def suggesting(kind: str, name: str, close: list[str], hint: str) -> UserError:
    """An unknown name, answered with what may have been meant, or where there is nothing like it with a hint."""
    shown = name if len(name) <= 60 else name[:57] + "..."
    advice = f"did you mean {', '.join(close)}?" if close else hint
    return UserError(f"unknown {kind} {shown!r}; {advice}")
