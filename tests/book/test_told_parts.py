"""What the book's parts say: signs of differences, names of parts, what answers a question, marks of a figure."""

import re

import numpy as np
import pytest
from sympy import Eq, Expr, Max, Rational, Symbol

from steptime.derivations.library import derivations, find
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.book.document import answered
from steptime.model.book.lines import NAMED, in_two, line, named_parts
from steptime.model.book.pgf import pgf
from steptime.model.book.theorems import Setting, common_numbers, lemma
from steptime.model.book.told import Question, argument, chapters, questions
from steptime.model.plot.shapes import Axis, Curve, Curves, Edge
from steptime.model.scenario import Scenario

EXERCISES = {f"{chapter.number}-{place}" for chapter in chapters() for place in range(1, len(chapter.exercises) + 1)}


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.asks)
def test_a_theorem_that_is_told_or_an_exercise_answers_a_question(question: Question) -> None:
    assert set(question.by) & argument() or question.exercises
    assert set(question.exercises) <= EXERCISES
    assert len(answered(question)) == len(question.by) + len(question.exercises)


def test_an_exercise_answers_as_an_exercise() -> None:
    assert answered(Question("?", ("split-break-even", "best-split"), ("1-9",))) == [
        r"Theorem~\ref{thm:best-split}",
        r"Lemma~\ref{thm:split-break-even}",
        r"\autoref{ex:1-9}",
    ]


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("decode-above-bound", r"\Delta_\mathrm{prac} \geq 0"),
        ("mix-of-two-classes", r"\Delta_F \geq 0"),
        ("one-group-more", r"\Delta_{\Sigma+1} \geq 0"),
        ("life-optimum", None),  # solved for, and no difference
        ("optimal-batch", None),
        ("wait-for-prefill", None),  # no difference
    ],
)
def test_the_sign_of_a_difference_is_said(name: str, sign: str | None) -> None:
    one = find(name)
    text = lemma(one, Setting(common_numbers([one]), frozenset()))
    assert re.findall(r"\\emph\{and\} \$(.*)\$\.", text) == ([] if sign is None else [sign])


@pytest.mark.parametrize("name", ["decode-above-bound", "mix-of-two-classes", "training-above-bound"])
def test_a_sign_that_is_said_is_so_at_the_example(name: str) -> None:
    assert find(name).evaluate() >= 0


def test_a_long_line_has_names_for_its_parts() -> None:
    one = find("training-above-bound")
    text = line(one, 1)
    assert len(text) < NAMED + 500 < len(str(one.lines[1].rhs))
    assert r"\textup{where } U_{1} &= " in text


@pytest.mark.parametrize("one", [find("training-above-bound"), find("decode-above-bound")], ids=lambda one: one.name)
def test_parts_put_in_give_the_whole(one: Derivation) -> None:
    whole: Expr = one.result.rhs
    parts, named = named_parts(whole)
    values = {symbol: Rational(7 + place, 5) for place, symbol in enumerate(sorted(whole.free_symbols, key=str))}
    known: dict[Symbol, Expr] = dict(values)
    for part in parts:
        known[part.lhs] = part.rhs.xreplace(known)
    assert named.xreplace(known) == whole.xreplace(values)


def test_a_long_line_that_is_no_sum_has_rows() -> None:
    a, b = q.peak_flops, q.memory_bandwidth
    largest = r"F = \max\left(\begin{aligned} & 1, \\ & W \end{aligned}\right)"
    assert in_two(Eq(a, Max(1, b), evaluate=False), "=") == largest
    assert in_two(Eq(a * b, a**2, evaluate=False), "=") == r"\begin{aligned} & W F \\ &\quad = F^{2} \end{aligned}"
    assert r"\max\left(\begin{aligned}" in line(find("bubble-deferred"), 1)


def test_a_short_part_has_no_name() -> None:
    a, b = q.peak_flops, q.memory_bandwidth
    assert named_parts(Max(a + b, 1) + 1 / (a + b)) == ([], Max(a + b, 1) + 1 / (a + b))


def test_the_scale_of_a_machine_is_shown_where_there_is_a_best_batch() -> None:
    one = find("minimum-efficient-scale")
    balance = Scenario(one.numbers).evaluate(find("balanced-context").result.rhs)
    assert one.numbers[q.context] < balance


def test_no_two_titles_are_alike_and_none_leans_on_the_one_before() -> None:
    titles = [one.title for one in derivations()]
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if title.startswith("The same")]


def test_an_edge_goes_from_the_lower_side_of_a_picture_to_the_upper() -> None:
    x = np.array([1.0, 10.0])
    text = pgf(Curves("", "", "", Axis("x"), Axis("y"), (Curve("a", x, x),), (), (Edge("room", 5.0),)))
    assert r"({axis cs:5,1} |- {rel axis cs:0,0}) -- ({axis cs:5,1} |- {rel axis cs:0,1})" in text
