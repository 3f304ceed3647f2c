"""A program gives what the expression gives, whatever its axes and however its points are cut."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.errors import Unbound
from steptime.model.scenario import Scenario
from steptime.model.solver.sweep import program
from steptime.model.solver.sweep.boxes import Cut, boxes, size_of
from steptime.model.solver.sweep.lowered import Lowering
from steptime.model.solver.sweep.program import Program

AXES = (q.batch, q.context, q.memory_bandwidth)
LEAVES = (*AXES, q.prompt, q.kv_bytes, sympy.Integer(2), sympy.Rational(3, 7))


def grown(children: st.SearchStrategy[sympy.Expr]) -> st.SearchStrategy[sympy.Expr]:
    several = st.lists(children, min_size=2, max_size=4)
    return st.one_of(
        several.map(lambda parts: sympy.Add(*parts)),
        several.map(lambda parts: sympy.Mul(*parts)),
        several.map(lambda parts: sympy.Max(*parts, evaluate=False)),
        several.map(lambda parts: sympy.Min(*parts, evaluate=False)),
        st.tuples(children, children).map(lambda pair: pair[0] / pair[1]),
        st.tuples(children, st.sampled_from([-2, -1, 2, 3, 9, sympy.S.Half, sympy.Rational(5, 3)])).map(
            lambda pair: pair[0] ** pair[1]
        ),
        children.map(sympy.ceiling),
        children.map(sympy.floor),
        children.map(lambda part: sympy.log(1 + part)),
        children.map(lambda part: (1 - 1 / (2 + part)) ** q.batch),
    )


exprs = st.recursive(st.sampled_from(LEAVES), grown, max_leaves=12)


@given(expr=exprs, lengths=st.tuples(*[st.integers(1, 9)] * 3), chunk=st.sampled_from([4, 30, 10_000]))
def test_a_program_is_its_expression(expr: sympy.Expr, lengths: tuple[int, int, int], chunk: int) -> None:
    source = np.random.default_rng(3)
    values = {s: np.sort(source.uniform(0.5, 9, n)) for s, n in zip(AXES, lengths, strict=True)}
    numbers = {q.prompt: 1.7, q.kv_bytes: 0.3}
    shaped = {s: column.reshape([-1 if i == place else 1 for i in range(3)])
              for place, (s, column) in enumerate(values.items())}  # fmt: skip
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(Scenario({**numbers, **shaped}).evaluate(expr), lengths)
    to = Lowering({s: place for place, s in enumerate(AXES)}, lengths)
    place = to.scope(numbers, {})(expr)
    found = np.full(lengths, -1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "CHUNK", chunk)
        for box in boxes(lengths, 100):
            leaves = {**numbers, **{s: one[tuple(box[i] if i == place else slice(None) for i in range(3))]
                                    for place, (s, one) in enumerate(shaped.items())}}  # fmt: skip
            for part in Program(tuple(to.lines), (place,)).run(leaves, box):
                there = tuple(slice(a, a + n) for a, n in zip(part.start, part.shape, strict=True))
                found[there] = part.results[0]
    # a floor on the edge of a step may fall either way
    step = expr.has(sympy.floor, sympy.ceiling)
    same = np.isclose(found, expected, rtol=1e-9, equal_nan=True)
    assert same.all() or (step and same.mean() > 0.5)


def test_what_depends_on_few_axes_is_worked_out_there() -> None:
    """(a·b + c)/W: products of axes meet on their own grid, and one multiplication is left for every point."""
    expr = sympy.Max((q.batch * q.context + q.prompt) / q.memory_bandwidth, q.batch**2)
    to = Lowering({q.batch: 0, q.context: 1, q.memory_bandwidth: 2}, (5, 7, 11))
    to.scope({q.prompt: 2.0}, {})(expr)
    whole = [line for line in to.lines if line.axes == {0, 1, 2}]
    assert [line.function for line in whole] == [np.multiply, np.maximum]


def test_equal_lines_are_one() -> None:
    to = Lowering({q.batch: 0}, (5,))
    scope = to.scope({q.prompt: 2.0}, {q.micro_batch: q.batch * q.prompt})
    assert scope(q.micro_batch) == scope(q.prompt * q.batch)


def test_what_has_no_value_is_named() -> None:
    with pytest.raises(Unbound, match="prompt"):
        Lowering({}, ()).scope({}, {})(q.prompt)


@given(shape=st.lists(st.integers(1, 12), max_size=4), most=st.integers(1, 200))
def test_boxes_follow_one_another(shape: list[int], most: int) -> None:
    """Each holds points that follow one another, all of them once, and no more than asked."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    cut = Cut(tuple(shape), most)
    assert [cut.box(number) for number in range(cut.number)] == list(boxes(shape, most))
    pieces = [numbers[box].reshape(-1) for box in boxes(shape, most)]
    assert np.array_equal(np.concatenate(pieces), numbers.reshape(-1))
    assert all(size_of(box) <= most for box in boxes(shape, most))
