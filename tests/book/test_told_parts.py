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
from steptime.model.book.measured import measured
from steptime.model.book.pgf import pgf
from steptime.model.book.premises import assumed, letters
from steptime.model.book.theorems import Setting, common_numbers, lemma
from steptime.model.book.told import Chapter, Figure, Question, argument, chapters, questions
from steptime.model.plot.shapes import Axis, Curve, Curves, Edge, Points, Role
from steptime.model.quantity import latex, lookup
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


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: str(chapter.number))
def test_a_number_beside_a_letter_is_that_of_every_example(chapter: Chapter) -> None:
    told = [find(one.name) for one in chapter.argument]
    for symbol, number in common_numbers(told).items():
        assert all(float(one.numbers[symbol]) == pytest.approx(number) for one in told if symbol in one.numbers)


def test_examples_of_two_machines_have_no_number_in_common() -> None:
    one, other = find("link-for-compute"), find("two-racks-slowdown")
    assert q.scale_up_bandwidth in common_numbers([other]) and q.scale_up_bandwidth in one.numbers
    assert q.scale_up_bandwidth not in common_numbers([one, other])
    assert rf"${latex(q.scale_up_bandwidth)} = " in lemma(other, Setting(common_numbers([one, other]), frozenset()))


def test_conditions_of_a_theorem_have_their_numbers() -> None:
    held = find("hold-in-tier")
    assert {q.attention_flops, q.prompt} & held.result.free_symbols == set()
    assert rf"${latex(q.attention_flops)} = " in lemma(held, Setting({}, frozenset()))


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("zero-3-memory", "parameters"), ("over-training", "pretraining_tokens"), ("over-training", "served_tokens")],
)
def test_letters_of_what_is_assumed_are_letters_of_the_chapter(name: str, symbol: str) -> None:
    assert lookup(symbol).symbol in letters([find(name)])


def test_no_statement_names_a_derivation_as_the_program_does() -> None:
    names = {one.name for one in derivations() if "-" in one.name}
    for one in derivations():
        assert not {f"(in {name})" for name in names} & set(re.findall(r"\(in [a-z0-9-]+\)", " ".join(assumed(one))))


def test_what_is_assumed_throughout_is_not_said_again_of_one_side() -> None:
    text = " ".join(assumed(find("split-gain-largest")))
    assert text.count("a request cheapest") == 1
    assert "(in Lemma" in " ".join(assumed(find("link-for-compute")))


def test_a_measured_collective_is_of_no_model() -> None:
    assert "all-to-all on 64" in measured(["COL-DEEPEP-021"])


@pytest.mark.parametrize(
    "shown", [one for chapter in chapters() for one in chapter.figures if one.marks], ids=lambda shown: shown.marks[0]
)
def test_a_mark_lies_within_its_picture(shown: Figure) -> None:
    for name in shown.marks:
        assert find(name).result.lhs == lookup(shown.over).symbol
        assert shown.span[0] < find(name).evaluate() < shown.span[1]


def test_an_axis_of_few_powers_has_whole_ticks() -> None:
    x = np.array([2.0, 40.0])
    text = pgf(Curves("", "", "", Axis("x"), Axis("y"), (Curve("a", x, 1e4 * x**4),)))
    assert "xtick={2,5,10,20,50}" in text and "ytick=" not in text


def test_terms_lie_upon_their_bound_and_points_differ() -> None:
    x = np.array([1.0, 10.0])
    at = (Points("here", x[:1], x[:1]), Points("there", x[:1], x[:1]))
    curves = (Curve("compute", x, x, Role.COMPUTE), Curve("bound", x, x, Role.BOUND))
    text = pgf(Curves("", "", "", Axis("x"), Axis("y"), curves, at))
    assert text.index("{bound}") < text.index("{compute}")
    assert len(set(re.findall(r"only marks,mark=(\S+?),", text))) == 2


def test_no_two_titles_are_alike_and_none_leans_on_the_one_before() -> None:
    titles = [one.title for one in derivations()]
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if title.startswith("The same")]


def test_an_edge_goes_from_the_lower_side_of_a_picture_to_the_upper() -> None:
    x = np.array([1.0, 10.0])
    text = pgf(Curves("", "", "", Axis("x"), Axis("y"), (Curve("a", x, x),), (), (Edge("room", 5.0),)))
    assert r"({axis cs:5,1} |- {rel axis cs:0,0}) -- ({axis cs:5,1} |- {rel axis cs:0,1})" in text
