"""The book: what it must hold, that its words, sources and commands are so, and that a real engine compiles it."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from steptime.derivations.library import CHAPTERS, derivations
from steptime.model.book.exercises import answer, computed
from steptime.model.book.prose import MARKS, prose
from steptime.model.book.told import Ask, Chapter, Theorem, chapters
from steptime.model.book.works import OWN, key_and_place, works
from steptime.model.errors import UserError

TOLD = [one for chapter in chapters() for one in chapter.theorems]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, as the command line writes it."""
    from steptime.cli import main

    file = tmp_path_factory.mktemp("book") / "book.tex"
    with pytest.raises(SystemExit) as ended:
        main(["latex", "--all", "-o", str(file)])
    assert not ended.value.code
    return file


def test_the_book_has_what_a_reader_looks_up(book: Path) -> None:
    text = book.read_text("utf-8")
    assert text.startswith(r"\documentclass[a4paper,11pt,oneside]{book}")
    assert rf"\author{{the steptime project}}\date{{version {version('steptime')}}}" in text
    assert len(set(re.findall(r"\\label\{([^}]*)\}", text))) >= 500  # every theorem and lemma, figures, exercises
    assert len(re.findall(r"\\(?:auto|eq)?ref\{", text)) >= 400
    assert len(set(re.findall(r"\\index\{([^}]*)\}", text))) >= 300
    assert len(re.findall(r"\\cite\{[a-z0-9]+\}", text)) >= 400
    assert text.count(r"\begin{exercise}") >= 60 and text.count(r"\begin{figure}") >= len(CHAPTERS)
    assert 40 <= text.count(r"\begin{theorem}") <= 46  # those that carry the argument
    assert text.count(r"\begin{theorem}") + text.count(r"\begin{lemma}") == len(derivations())
    assert r"\includegraphics" not in text  # one file, which needs no other


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a LaTeX engine")
def test_the_book_compiles(book: Path) -> None:
    for _ in range(3):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "book.tex"]
        done = subprocess.run(command, cwd=book.parent, capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        subprocess.run(["makeindex", "-q", "book"], cwd=book.parent, capture_output=True, timeout=60, check=True)
    log = (book.parent / "book.log").read_text(encoding="latin-1")
    assert not re.findall(r"^!.*$", log, re.MULTILINE)
    assert not re.findall(r"(?:Reference|Citation|destination).{1,80}(?:undefined|does not exist)", log)
    assert "multiply defined" not in log and "multiply-defined" not in log
    wide = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)]
    assert max(wide, default=0.0) <= 5, wide
    assert not re.findall(r"\w+\.\d+pk", log)  # outlines alone, no bitmaps
    assert (book.parent / "book.pdf").stat().st_size > 500_000
    assert "indexspace" in (book.parent / "book.ind").read_text(encoding="latin-1")
    listed_apart(book)


def listed_apart(book: Path) -> None:
    """Theorems stand in the contents, lemmas in an index of their own; neither is long."""
    text = book.read_text("utf-8")
    contents, lemmas = ((book.parent / f"book.{kind}").read_text("utf-8") for kind in ("toc", "lol"))
    for kind, here, not_here in (("theorem", contents, lemmas), ("lemma", lemmas, contents)):
        assert here.count(rf"\contentsline {{{kind}}}") == text.count(rf"\begin{{{kind}}}") > 0
        assert rf"\contentsline {{{kind}}}" not in not_here
    assert page_of("Preface", contents) in ("iii", "iv", "v")
    first, start = (
        int(page_of(name, contents)) for name in ("Lemmas of chapter 1", r"\numberline {A}Lemmas and variants")
    )
    assert 0 < first - start <= 8


def page_of(name: str, contents: str) -> str:
    """The page on which a line of the contents says that something begins."""
    found = re.search(rf"{{{re.escape(name)}}}{{(\w+)}}", contents)
    assert found is not None, name
    return found[1]


def test_no_fraction_stands_in_a_fraction(book: Path) -> None:
    text = book.read_text("utf-8")
    formulas = re.findall(r"\\(?:numbered\{[^}]*\}|fit|proofline)\{(.*)\}$", text, re.MULTILINE)
    assert len(formulas) > 2000 and sum(r"\frac" in formula for formula in formulas) > 1000
    for formula in formulas:
        for inside in parts_of_fractions(formula):
            assert r"\frac" not in inside, formula


def parts_of_fractions(formula: str) -> list[str]:
    """What stands above and below the lines of a formula's fractions."""
    found = []
    for start in (one.end() for one in re.finditer(r"\\frac\{", formula)):
        depth, end, parts = 1, start, 1
        while parts <= 2 and end < len(formula):
            depth += {"{": 1, "}": -1}.get(formula[end], 0)
            if depth == 0:
                found.append(formula[start:end])
                start, end, parts, depth = end + 2, end + 1, parts + 1, 1
            end += 1
    return found


@pytest.mark.parametrize(
    ("formula", "parts"),
    [(r"\frac{a}{b}", ["a", "b"]), (r"x + \frac{a + \frac{b}{c}}{d}", [r"a + \frac{b}{c}", "d", "b", "c"])],
)
def test_parts_of_fractions_are_found(formula: str, parts: list[str]) -> None:
    assert parts_of_fractions(formula) == parts


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: str(chapter.number))
def test_a_chapter_tells_its_own_theorems_and_asks(chapter: Chapter) -> None:
    rows = {one.name: one.rows[0].split(".")[0] for one in derivations()}
    assert all(rows[one.name] == str(chapter.number) for one in chapter.theorems)
    assert chapter.argument and chapter.figures and len(chapter.figures) <= len(chapter.argument)
    assert len(chapter.exercises) >= 4
    for exercise in chapter.exercises:
        assert prose(exercise.question) and answer(exercise)
        assert len(re.findall(r"<\d>", exercise.answer)) == len(exercise.ask)


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.name)
def test_a_command_that_shows_a_theorem_runs(
    told: Theorem, run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(told.command)
    if words[0] == "plot":
        pytest.importorskip("matplotlib")
    code, _, err = run(*words)
    assert program == "steptime" and code == 0, err


@pytest.mark.parametrize(
    ("ask", "number"),
    [
        pytest.param(Ask("optimal-batch", "optimal_batch", {"ridge": 300, "parameters": 256, "active_parameters": 32}),
                     2400, id="lecture 1.5: 300 x 8"),
        pytest.param(Ask("drain-time", "drain_time", {"memory_capacity": "288GB", "memory_bandwidth": "20TB/s"}),
                     0.0144, id="lecture 1.9: Rubin"),
        pytest.param(Ask("price-of-speed", "weights_share", {"speed_price": 6, "speed_up": 2.5}),
                     5 / 14, id="lecture 1.12: six times the price"),
        pytest.param(Ask("kv-bytes-by-price-step", "kv_bytes", {"context": 2e5, "active_parameters": 1e11, "ridge": 300,
                                                               "bytes_per_weight": 1}), 1e4 / 6, id="lecture 5.1"),
        pytest.param(Ask("bubble-share", "bubble_share", {"pipeline_parallel": 64, "micro_batches": 512}), 63 / 575,
                     id="lecture 3.5: 63 of 575"),
    ],
)  # fmt: skip
def test_an_answer_is_computed(ask: Ask, number: float) -> None:
    assert computed(ask) == pytest.approx(number, rel=1e-9)


def test_every_source_is_a_work_or_a_remark() -> None:
    sources = {source for one in derivations() for source in one.sources}
    unknown = {source for source in sources if not key_and_place(source)[0]}
    assert all(source.startswith(OWN) for source in unknown), unknown
    assert {key_and_place(source)[0] for source in sources} - {""} == set(works())


def test_words_are_checked() -> None:
    with pytest.raises(UserError, match="optimal-batch"):
        prose("as [optimal-bach] says")
    assert prose("50 % of $x_1$") == r"50 \% of $x_1$"
    cited = {found["key"] for chapter in chapters() for text in words(chapter) for found in MARKS.finditer(text)
             if found.lastgroup == "key"}  # fmt: skip
    assert cited <= set(works()) and cited


def words(chapter: Chapter) -> list[str]:
    """All that a chapter says."""
    told = [text for one in chapter.theorems for text in (one.why, one.breaks)]
    asked = [text for one in chapter.exercises for text in (one.question, one.answer)]
    return [chapter.opening, chapter.closing, *told, *asked, *(one.caption for one in chapter.figures)]
