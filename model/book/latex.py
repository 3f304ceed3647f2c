"""Derivations and terms exported: one by one, or all of them as a book."""

from collections.abc import Callable

from steptime.derivations.library import derivations
from steptime.model.api.derivation import formulas_named
from steptime.model.api.step import quiet
from steptime.model.book.document import document
from steptime.model.errors import NotVerified, UserError
from steptime.model.text.claims import verdicts
from steptime.model.text.derivations import verified
from steptime.model.text.exported import exported

FORMS = ("latex", "markdown", "python", "c", "js")
VERIFIED = 0.9
"""Share of the work when everything is verified."""


def latex(*names: str, everything: bool = False, form: str = "latex", progress: Callable[[float], None] = quiet) -> str:
    """Derivations and terms as LaTeX, Markdown, Python, C or JavaScript; all of them in LaTeX are the book.

    What is exported is verified first: raises a ValueError for what is not.
    """
    if not isinstance(form, str) or form not in FORMS:
        raise UserError(f"`form` {str(form)[:40]!r}: latex, markdown, python, c or js")
    chosen = formulas_named(names)
    if everything and not chosen and form == "latex":
        return _book(progress)
    return exported(chosen, everything, form, progress)


def _book(progress: Callable[[float], None]) -> str:
    every = derivations()
    failures = verified(every, lambda share: progress(VERIFIED * share))
    if (failure := next((why for why in failures.values() if why is not None), None)) is not None:
        raise NotVerified(failure)
    made = document(verdicts())
    progress(1.0)
    return made
