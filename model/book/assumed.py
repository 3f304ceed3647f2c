"""What the book accepts without proof, and how many theorems rest on each of it."""

from collections import Counter
from collections.abc import Iterable

from steptime.derivations.claims import Wording
from steptime.derivations.facts import Axiom, Chosen, Crossing, Tends
from steptime.derivations.steps import Derivation
from steptime.model.book.premises import in_words, numbered, standing_of
from steptime.model.book.tables import COLUMN, HEAD

TOLERANCES = "; ".join(rf"{one.text}: {100 * one.value[1]:.0f}\,\%" for one in Wording if not one.is_factor)
CLAIMS = rf"""What the lecture and papers say in numbers, beside ours, under the commands by which the program lists
the derivations behind them; their numbers are rows of its list, and not theorems. A number \emph{{holds}} within the
tolerance of how it was said ({TOLERANCES}; of the order of: a factor of ten either way; a range: a factor of ten from
end to end), else it \emph{{differs}}. A check of our own is \emph{{consistent}} where its bound is kept."""

KINDS = {
    Tends: "limits",
    Chosen: "choices that make something least or greatest",
    Crossing: "points at which two curves are equal",
}


def assumed_page(chosen: Iterable[Derivation]) -> str:
    """What is assumed: every numbered assumption with the number of theorems that rest on it, and other kinds."""
    found = list(chosen)
    used = Counter(each for one in found for each in standing_of(one))
    kinds = Counter(kind for one in found for kind in {type(each) for each in one.final.assumptions} & set(KINDS))
    number = sum(isinstance(each, Axiom) for each in used)
    free = sum(not any(isinstance(each, Axiom) for each in standing_of(one)) for one in found)
    head = r"\footnotesize\begin{longtable}{@{}lr" + COLUMN.format(120) + "@{}}"
    lines = [
        rf"The {len(found)} theorems and lemmas rest on {number} axioms: statements about the world that are accepted"
        rf" and not proved. {free} rest on none. Each stands here with the number of theorems that rest on it; so does"
        " each equation or inequality that many assume, which has its formula beside it. Besides, "
        + ", ".join(f"{kinds[kind]} assume {text}" for kind, text in KINDS.items()) + "; each theorem says which.",
        "",
        head,
        r"& theorems & what it says " + HEAD,
        *(rf"\axiomplace{{{place}}} & {used[each]} & {in_words(each)} \\" for each, place in numbered().items()),
        r"\end{longtable}\normalsize",
    ]  # fmt: skip
    return "\n".join(lines)
