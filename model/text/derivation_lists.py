"""Derivations found and listed: all of them by chapter, those of a word, those that answer a question."""

from collections.abc import Sequence
from typing import Any

from rich.padding import Padding
from rich.text import Text

from steptime.derivations.library import CHAPTERS, claims, derivations
from steptime.derivations.steps import Derivation
from steptime.model.text.asked import asked
from steptime.model.text.derivations import verified
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted
from steptime.model.text.screen import Fold, Screen


def matching(word: str) -> tuple[Derivation, ...]:
    """Derivations of a chapter, of a row of the lecture, or with a word in name, title, claim or chapter; of several
    words that stand together nowhere, those that answer them best."""
    if word.isdecimal():
        return tuple(one for one in derivations() if one.rows[0].startswith(f"{word}."))
    titles = {str(number): title for number, title in CHAPTERS.items()}
    texts = {one.name: f"{one.name} {one.title} {one.claim} {titles[one.rows[0].partition('.')[0]]}".lower()
             for one in derivations()}  # fmt: skip
    found = tuple(one for one in derivations() if word in one.rows or word.lower() in texts[one.name])
    return found if found or " " not in word.strip() else asked(word)


def list_json(chosen: Sequence[Derivation]) -> dict[str, Any]:
    failures = verified(tuple(chosen))
    return {
        "derivations": [
            {
                "name": one.name,
                "title": one.title,
                "rows": list(one.rows),
                "steps": len(one.steps),
                "verified": failures[one.name] is None,
            }
            for one in chosen
        ]
    }


def overview() -> Screen:
    """The chapters, and the first derivations of each."""
    made = Fitting((">", "chapter", ">derivations", "the first of them"), (), (), ("chapter", "the first of them"))
    for chapter, title in CHAPTERS.items():
        chosen = matching(str(chapter))
        if chosen:
            made.add_row(str(chapter), title, str(len(chosen)), ", ".join(one.name for one in chosen[:3]))
    lines = sum(len(one.steps) for one in derivations())
    said = f"{len(derivations())} derivations, {lines} steps, {len(claims())} claims"
    return Screen(
        made,
        Text(),
        Text(f"{said}. `steptime derive NAME` shows one; a chapter's number, a row of the lecture (1.5) or any word "
             "lists those that have it; `--claims` has the lecture's numbers."),
        Fold((Text(), *chapters(derivations())), f"{len(derivations())} derivations in a list"),
    )  # fmt: skip


def list_table(chosen: Sequence[Derivation]) -> Screen:
    """Those that were found, with what they claim: chapter by chapter, answers to a question the best first."""
    said = Text(f"{counted(len(chosen), 'derivation')}; `steptime derive NAME` shows one")
    order = {one: place for place, one in enumerate(derivations())}
    if [*chosen] != sorted(chosen, key=order.__getitem__):
        return Screen(*(part for one in chosen for part in _listed(one)), Text(), said)
    return Screen(*chapters(chosen), said)


def _listed(one: Derivation) -> list[Any]:
    return [Text(f"{one.name}  ({', '.join(one.rows)})"), Padding(Text(one.claim, style="dim"), (0, 0, 0, 4))]


def chapters(every: Sequence[Derivation]) -> list[Any]:
    """Derivations chapter by chapter; one of several rows stands where its first is."""
    parts: list[Any] = []
    for chapter, title in CHAPTERS.items():
        chosen = [one for one in every if one.rows[0].startswith(f"{chapter}.")]
        if not chosen:
            continue
        parts.append(Text(f"{chapter} {title}", style="bold"))
        parts += [part for one in chosen for part in _listed(one)]
        parts.append(Text())
    return parts
