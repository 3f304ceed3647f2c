"""The whole book in LaTeX: chapters that tell the argument, lemmas and answers behind them, bibliography, index."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from importlib.resources import files

from steptime.derivations.claims import Verdict
from steptime.derivations.library import derivations, find
from steptime.derivations.printed.export import escape
from steptime.derivations.steps import Derivation
from steptime.model.book.assumed import CLAIMS, assumed_page
from steptime.model.book.exercises import answers, exercises
from steptime.model.book.figures import figure
from steptime.model.book.graph import graph
from steptime.model.book.pgf import colours
from steptime.model.book.premises import axiom_list
from steptime.model.book.prose import prose, reference
from steptime.model.book.tables import claims_table, notation
from steptime.model.book.theorems import Setting, common_numbers, lemma, theorem
from steptime.model.book.told import Chapter, Question, argument, chapters, questions
from steptime.model.book.works import bibliography, key_and_place

PREFACE = r"""How long one step of a large language model takes, derived line by line, with numbers put in.
\texttt{steptime} is the program that holds these equations, puts numbers into them and solves them; each theorem ends
with the command that shows it at work.

A theorem reads: if these assumptions are made, and if these conditions hold, then this equation does. Every line of its
proof was checked by its rule, at random rational numbers, and for its units; the conditions were collected from the
lines and shown to be equivalent to those stated. Where something small is left out on the way the sides of a line are
about equal ($\approx$), with what is left out at the example; that it is small is then a condition, as $E \ge 40$ is
where one over $E$ is left out beside one.

The chapters tell the argument; the lemmas that it rests on, and variants, stand in \autoref{app:lemmas}, which begins
with an index of them, and what is accepted without proof, the hypotheses H1, H2 and on, in \autoref{app:assumed}.
\emph{The lecture} is the one that the book follows, \cite{pope2026}; tp, dp, pp, ep and cp are degrees of tensor,
data, pipeline, expert and context parallelism; codes as \texttt{SIL-0652} name a row of the program's published
measurements, which \texttt{steptime catalog sources} explains. Each chapter begins with its letters: one letter means
one thing within a chapter. A number stands beside a letter where all examples of the chapter have it, from the
program's catalogue; elsewhere each theorem states its own: examples differ in machine and model. $W$ alone is a
bandwidth; with an argument, as $W(x)$ or $W_{-1}(x)$, it is Lambert's function. Units are bytes, FLOP (a multiply-add
is two), seconds, dollars and joules; a GB is $10^9$ bytes, bandwidth is one way and of one chip, and peaks are dense.
\autoref{fig:1-1} is drawn by the program, as is every other figure; answers of exercises are in \autoref{app:answers},
computed by it. What the lecture and papers say in numbers stands beside ours in \autoref{app:said}.
"""


def document(verdicts: Iterable[Verdict]) -> str:
    """A standalone document; its index is made by makeindex between two runs of LaTeX."""
    every, told, said = derivations(), chapters(), list(verdicts)
    by_chapter = {chapter.number: [one for one in every if _chapter_of(one) == chapter.number] for chapter in told}
    names = frozenset(one.name for chapter in told for one in chapter.argument)
    settings = {number: _setting(found, names) for number, found in by_chapter.items()}
    parts = [
        (files("steptime.model.book") / "preamble.tex").read_text("utf-8") + colours(),
        r"\title{How long a step takes\\[1ex]\large The equations of \texttt{steptime}}",
        rf"\author{{the steptime project}}\date{{version {escape(version('steptime'))}}}",
        r"\begin{document}\frontmatter\maketitle{\parskip=0pt\tableofcontents}",
        r"\chapter{Preface}" + "\n" + PREFACE,
        _asked(),
        graph(),
        r"\mainmatter",
    ]
    claimed = {number: [one for one in said if one.claim.row.split(".")[0] == str(number)] for number in by_chapter}
    for chapter in told:
        parts += _chapter(chapter, settings[chapter.number], claimed[chapter.number])
    parts += [r"\appendix", r"\chapter{Lemmas and variants}\label{app:lemmas}\lemmaindex"]
    for chapter in told:
        rest = [one for one in by_chapter[chapter.number] if one.name not in names]
        parts += _lemmas(chapter, rest, settings[chapter.number])
    parts += [r"\chapter{Answers}\label{app:answers}", *(answers(chapter) for chapter in told)]
    parts += [r"\chapter{What is assumed}\label{app:assumed}", assumed_page(every)]
    parts += [r"\chapter{What was said, and what follows}\label{app:said}", CLAIMS]
    for number, found in claimed.items():
        parts += [rf"\section*{{Chapter {number}}}\label{{said:{number}}}", claims_table(found)] if found else []
    keys = {key for one in every for source in one.sources if (key := key_and_place(source)[0])}
    end = [r"\backmatter", r"\raggedright", bibliography(keys), r"\printindex", r"\end{document}", ""]
    return "\n\n".join([*parts, *end])


def _setting(found: Sequence[Derivation], names: frozenset[str]) -> Setting:
    told = [one for one in found if one.name in names]
    return Setting(common_numbers(told, [one for one in found if one.name not in names]), names)


def _asked() -> str:
    """Questions, and where they are answered."""
    lines = [rf"\item {prose(one.asks)} {', '.join(answered(one))}." for one in questions()]
    return "\n".join(
        [r"\section*{Questions, and where they are answered}", r"\begin{itemize}", *lines, r"\end{itemize}"]
    )


def answered(one: Question) -> list[str]:
    """References to all that answers a question, theorems that are told first."""
    by = sorted(one.by, key=lambda name: name not in argument())
    return [*map(reference, by), *(rf"\autoref{{ex:{name}}}" for name in one.exercises)]


def _chapter_of(one: Derivation) -> int:
    return int(one.rows[0].split(".")[0])


def _chapter(chapter: Chapter, setting: Setting, claimed: Sequence[Verdict]) -> list[str]:
    """What it asks, its letters, theorems with the figures among them, how much that was said holds, exercises."""
    proofs = [find(one.name) for one in chapter.argument]
    parts = [rf"\chapter{{{escape(chapter.title)}}}\label{{ch:{chapter.number}}}", prose(chapter.opening),
             r"\section*{Letters and numbers}", notation(_shown(chapter), setting),
             r"\keep{7}\section*{Hypotheses of this chapter}", axiom_list(proofs)]  # fmt: skip
    after = {place * len(proofs) // len(chapter.figures): (place, one) for place, one in enumerate(chapter.figures)}
    for number, (proof, one) in enumerate(zip(proofs, chapter.argument, strict=True)):
        parts.append(theorem(proof, one, setting))
        if number in after:
            place, shown = after[number]
            parts.append(figure(shown, chapter.number, place + 1))
    parts += [r"\medskip", prose(chapter.closing)] if chapter.closing else []
    return [*parts, *([_held(chapter, claimed)] if claimed else []), exercises(chapter)]


def _shown(chapter: Chapter) -> list[Derivation]:
    """What the chapter shows: its theorems, and those of which a figure names the parts by their letters."""
    named = (name for one in chapter.figures if one.kind == "parts" for name in one.theorems)
    return [find(name) for name in dict.fromkeys([*(one.name for one in chapter.argument), *named])]


def _held(chapter: Chapter, claimed: Sequence[Verdict]) -> str:
    """How many of the numbers that were said hold, and where they stand."""
    said = [one.verdict == "holds" for one in claimed if one.claim.said is not None]
    own = len(claimed) - len(said)
    holding = f"{'which' if all(said) else f'of which {sum(said)}'} hold{'s' * (sum(said) == 1)}"
    told = [f"{len(said)} number{'s' * (len(said) > 1)} of others, {holding}"] if said else []
    checked = [f"{own} check{'s' * (own > 1)} of our own"] if own else []
    place = rf"\autoref{{app:said}} (page~\pageref{{said:{chapter.number}}})"
    return rf"\medskip {place} has {', and '.join([*told, *checked])}."


def _lemmas(chapter: Chapter, rest: Sequence[Derivation], setting: Setting) -> list[str]:
    if not rest:
        return []
    heading = rf"\lemmasof{{{chapter.number}}}{{{escape(chapter.title)}}}"
    known = _shown(chapter)
    told = {one.name: one for one in chapter.theorems}
    return [heading, notation(rest, setting, known), *(lemma(one, setting, told.get(one.name)) for one in rest)]
