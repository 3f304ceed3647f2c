"""The works that the book cites: each source of a derivation is a work and a place in it."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from steptime.derivations.printed.export import escape
from steptime.model.catalog.table import Place, read, record

OWN = ("beyond the lecture", "evenly spaced arrivals", "uniform arrivals", "in fact acceptances", "prefixes nest")
"""How remarks begin that stand where a source would, of what no work says."""


@dataclass(frozen=True)
class Work:
    """An entry of the bibliography; ``starts``: how a source begins that is a place in it."""

    starts: tuple[str, ...]
    text: str


@cache
def works() -> Mapping[str, Work]:
    """The bibliography by key, in the order of the alphabet."""
    text = (files("steptime.model.book") / "bibliography.toml").read_text("utf-8")
    found: dict[str, Work] = read({str: record(Work)}, tomllib.loads(text), Place("bibliography.toml"))
    return dict(sorted(found.items()))


def key_and_place(source: str) -> tuple[str, str]:
    r"""The key of a source's work, and where in it; no key of what no entry knows, which stands as it is.

    >>> key_and_place("Korthikanti et al. 2022, arXiv 2205.05198, section 4.2.2")
    ('korthikanti2022', 'section 4.2.2')
    >>> key_and_place("beyond the lecture")
    ('', 'beyond the lecture')
    """
    for key, work in works().items():
        for start in work.starts:
            if source.startswith(start):
                return key, source.removeprefix(start).lstrip(",: ")
    return "", source


def cited(sources: Iterable[str]) -> str:
    r"""Sources as LaTeX: a citation each, and the place in the work.

    >>> cited(["Korthikanti et al. 2022, arXiv 2205.05198, section 4.2.2", "beyond the lecture"])
    '\\cite{korthikanti2022}, section 4.2.2; beyond the lecture'
    """
    return "; ".join(_cited(*key_and_place(source)) for source in sources)


def _cited(key: str, place: str) -> str:
    if not key:
        return escape(place)
    return rf"\cite{{{key}}}" + (f", {escape(place)}" if place else "")


def bibliography(keys: Iterable[str]) -> str:
    """The entries of the works that are cited."""
    chosen = set(keys)
    entries = [rf"\bibitem{{{key}}} {escape(work.text)}" for key, work in works().items() if key in chosen]
    return "\n".join([r"\begin{thebibliography}{99}", *entries, r"\end{thebibliography}"])
