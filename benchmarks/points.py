"""Points per second of CPU time on one core: grids and compiled ledgers, against NumPy by hand and generated C.

Run with ``python benchmarks/points.py``; needs gcc for the comparison with C. One process, one thread.
"""

import ctypes
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sympy
from sympy import Expr, Symbol

import steptime as st
from steptime.model import symbols as q
from steptime.model.layout.choices import Plan
from steptime.model.numeric import ROUNDING, compiled, in_blocks
from steptime.model.phases.accounts import accounts_of
from steptime.model.phases.decode import DECODE
from steptime.model.scenario import Scenario
from steptime.model.step.case import Case

POINTS = 2_000_000
RUNS = 5
ROUNDED = f"""#include <math.h>
static double whole_above(double value) {{ return ceil(value - {ROUNDING} * fabs(value)); }}
static double whole_below(double value) {{ return floor(value + {ROUNDING} * fabs(value)); }}
"""
"""`numeric.ceiling` and `numeric.floor` in C."""
FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")


def rate(call: Callable[[], object], points: int = POINTS) -> float:
    """Points per second of CPU time, median of the runs after a warm-up."""
    call()
    times = []
    for _ in range(RUNS):
        begun = time.process_time()
        call()
        times.append(time.process_time() - begun)
    return points / statistics.median(times)


def whole(least: int, most: int, number: int) -> np.ndarray:
    """So many whole numbers, about evenly apart: a batch between two of them would be a mean over time, whose formulas
    are others (`Load.AT_LEAST_ONE`)."""
    return np.linspace(least, most, number).round()


def with_numbers(case: Case, expr: Expr, keep: tuple[Symbol, ...]) -> Expr:
    """The ledger's own expression of the step time, with numbers for all but a few symbols."""
    expanded = case.scenario.expand(expr)
    numbers = {s: sympy.Float(case.scenario.value(s), 17) for s in expanded.free_symbols if s not in keep}
    return expanded.xreplace(numbers)


def in_c(
    expr: Expr, over: tuple[Symbol, ...], folder: Path, grid: bool = False
) -> Callable[[list[np.ndarray]], np.ndarray]:
    """A loop over arrays in C, generated from the expression and compiled with gcc; over a grid, two loops."""
    parts, (result,) = sympy.cse(expr)
    called = {"ceiling": "whole_above", "floor": "whole_below"}
    lines = [f"    double {symbol} = {sympy.ccode(part, user_functions=called)};" for symbol, part in parts]
    arguments = ", ".join(f"const double *restrict {symbol}_" for symbol in over)
    places = ("k", "j") if grid else ("i",) * len(over)
    read = [f"    double {symbol} = {symbol}_[{place}];" for symbol, place in zip(over, places, strict=True)]
    body = "\n".join([*read, *lines, f"    out[i] = {sympy.ccode(result, user_functions=called)};"])
    loops = "for (long k = 0, i = 0; k < n; k++) for (long j = 0; j < m; j++, i++)" if grid else (
        "for (long i = 0; i < n; i++)")  # fmt: skip
    folder.mkdir(exist_ok=True)
    source = folder / "formula.c"
    source.write_text(f"{ROUNDED}void run(long n, long m, {arguments}, double *restrict out) {{\n"
                      f"  {loops} {{\n{body}\n  }}\n}}\n")  # fmt: skip
    library = folder / "formula.so"
    subprocess.run(["gcc", *FLAGS, str(source), "-o", str(library), "-lm"], check=True)
    function = ctypes.CDLL(str(library)).run
    pointer = ctypes.POINTER(ctypes.c_double)

    def call(columns: list[np.ndarray]) -> np.ndarray:
        first, last = len(columns[0]), len(columns[-1])
        out = np.empty(first * last if grid else first)
        data = [column.ctypes.data_as(pointer) for column in (*columns, out)]
        function(ctypes.c_long(first), ctypes.c_long(last), *data)
        return out

    return call


def by_hand_decode(batch: np.ndarray, context: np.ndarray) -> np.ndarray:
    """llama-3.1-70b on 8 H100, tp=8, bf16: what a reader of the equation would write."""
    compute = (2 * 69501714432 + 2621440 * context) * batch / (8 * 989e12)
    memory = (2 * (69501714432 + 1318912 * 8) + 327680 * (context + 1) * batch) / (8 * 3.35e12)
    network = 160 * batch * 8192 * 2 / 450e9
    return np.maximum(np.maximum(compute, memory), network)


def by_hand_prefill(batch: np.ndarray, prompt: np.ndarray) -> np.ndarray:
    """The same model's prefill with nothing cached."""
    flops = 2 * (69501714432 * prompt - 1050673152 * (prompt - 1)) + 2621440 * prompt * (prompt - 1) / 2
    memory = (2 * (69501714432 + 1318912 * 8) + 327680 * prompt * batch) / (8 * 3.35e12)
    network = 160 * batch * prompt * 8192 * 2 / 450e9
    return np.maximum(np.maximum(flops * batch / (8 * 989e12), memory), network)


def compare(title: str, case: Case, second: Symbol, by_hand: Callable[..., np.ndarray] | None) -> None:
    """One ledger over batch and a length: compiled, by hand, in C; all three must agree."""
    over = (q.batch, second)
    expr = with_numbers(case, q.step_time, over)
    source = np.random.default_rng(1)
    columns = [source.integers(1, 4096, POINTS).astype(float), source.integers(2, 65536, POINTS).astype(float)]
    function = compiled((expr,), over)
    ours = in_blocks(function, columns)[0]
    print(f"\n{title}: {sympy.count_ops(expr)} operations")
    ledger = rate(lambda: in_blocks(function, columns))
    print(f"  compiled ledger                 {ledger:12,.0f} points/s")
    if by_hand is not None:
        np.testing.assert_allclose(ours, by_hand(*columns), rtol=1e-9)
        hand = rate(lambda: by_hand(*columns))
        blocks = rate(lambda: in_blocks(lambda *part: (by_hand(*part),), columns))
        print(f"  by hand in NumPy                {hand:12,.0f} points/s, {hand / ledger:.2f} times the ledger's")
        print(f"  by hand in NumPy, in blocks     {blocks:12,.0f} points/s, {blocks / ledger:.2f} times the ledger's")
    with tempfile.TemporaryDirectory() as folder:
        generated = in_c(expr, over, Path(folder))
        np.testing.assert_allclose(generated(columns), ours, rtol=1e-9)
        c = rate(lambda: generated(columns))
    print(f"  generated C (gcc {' '.join(FLAGS[:3])}) {c:12,.0f} points/s, {c / ledger:.2f} times the ledger's")


def any_layout() -> None:
    """The whole ledger with its degrees as arguments: every point has a layout of its own."""
    case = st.step("deepseek-v3", "h100-sxm", layout="dp=72,ep=72", batch=512).case
    over = (q.tensor_parallel, q.data_parallel, q.expert_parallel, q.batch, q.context)
    fixed = {s: v for s, v in case.scenario.values.items() if s not in (*over, q.stage_chips, q.chips)}
    slots = accounts_of(st.architecture("deepseek-v3")).ledger(Plan(in_switch=True), DECODE, given=fixed).slots
    mixed = case.scenario.definitions[q.bytes_per_weight]  # the mean of several formats
    scenario = Scenario(fixed, {q.bytes_per_weight: mixed, **slots})
    expr = scenario.expand(case.phase.blackboard.time)
    expr = expr.xreplace({s: sympy.Float(scenario.value(s), 17) for s in expr.free_symbols if s not in over})
    source = np.random.default_rng(2)
    columns = [2.0 ** source.integers(0, high, POINTS) for high in (4, 7, 4)]
    columns += [source.integers(64, 4096, POINTS).astype(float), source.integers(2, 65536, POINTS).astype(float)]
    function = compiled((expr,), over)
    points = rate(lambda: in_blocks(function, columns))
    print(f"\ndeepseek-v3 decode with tp, dp, ep, batch and context all free: {sympy.count_ops(expr)} operations")
    print(f"  compiled ledger                 {points:12,.0f} points/s")


def search() -> None:
    """`solve layout` end to end, expressions built included: formats as they are, two of them open, all three."""
    chips = (8, 16, 32, 64, 72, 144)
    machines = ("h100-sxm", "h200-sxm", "gb200-nvl72", "mi300x")
    for free in ((), ("weights", "kv"), ("weights", "kv", "activations")):
        begun = time.process_time()
        answer = st.search("deepseek-v3", machines, chips, workers=1, **dict.fromkeys(free, "any")).answer
        took = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**20
        print(f"\nsolve layout, deepseek-v3 on {', '.join(machines)} x {chips}, any of ({', '.join(free)}): "
              f"{answer.points:,} points ({answer.layouts:,} layouts) in {took:.2f} CPU s, {answer.points / took:,.0f} "
              f"points/s; peak memory of the process {peak:.0f} MiB")  # fmt: skip


def train_search() -> None:
    """`solve layout --phase train`: every execution of GPT-3 on 64 chips, and a larger search."""
    few = "cp=1,replicas=1,ffn=tp"
    for layout, chips, batch in (
        (few, (64,), 64), (None, (512,), 4096), (None, (4096,), 4608), (None, (256, 384, 512, 768), 4608),
    ):  # fmt: skip
        begun = time.process_time()
        answer = st.search("gpt3-175b", "a100-sxm-80gb", chips, batch, layout, "latency", phase="train", sequence=2048,
                           dropout=True, workers=1).answer  # fmt: skip
        took = time.process_time() - begun
        best, training = answer.best.question.inputs, answer.best.question.inputs.training
        print(f"\ntraining gpt3-175b on {', '.join(map(str, chips))} a100-sxm-80gb, batch {batch}: {answer.points:,} "
              f"executions in {took:.2f} CPU s, {answer.points / took:,.0f} a second; best "
              f"{answer.best.step_time:.3f} s at {best.layout}, microbatch {best.given[q.microbatch]:g}, interleave "
              f"{best.given[q.interleave]:g}, recompute {training.recompute}, ZeRO {training.zero}")  # fmt: skip


def grids(model: str, machine: str) -> None:
    """`step.over(...)`: batch and context at one layout, beside flat arrays and C; and with layouts, cases built."""
    step, over = st.step(model, machine, layout="tp=8"), (q.batch, q.context)
    axes = {"batch": whole(1, 4096, 2000), "context": np.geomspace(100, 200_000, 5000)}
    flat = [column.ravel() for column in np.meshgrid(*axes.values(), indexing="ij")]
    grid, size = step.over(**axes), len(flat[0])
    expr = with_numbers(step.case, q.step_time, over)
    function = compiled((expr,), over)
    ours = rate(lambda: grid.step_time, size)
    arrays = rate(lambda: in_blocks(function, flat), size)
    print(f"\n{model} on 8 {machine}: a grid of {size:,} points, batch x context")
    print(f"  step.over                       {ours:12,.0f} points/s")
    print(f"  compiled ledger on flat arrays  {arrays:12,.0f} points/s, {arrays / ours:.2f} times the grid's")
    with tempfile.TemporaryDirectory() as folder:
        pointwise, nested = in_c(expr, over, Path(folder, "flat")), in_c(expr, over, Path(folder, "nested"), grid=True)
        columns = [*axes.values()]
        np.testing.assert_allclose(pointwise(flat).reshape(grid.shape), grid.step_time, rtol=1e-9)
        np.testing.assert_allclose(nested(columns).reshape(grid.shape), grid.step_time, rtol=1e-9)
        c, loops = rate(lambda: pointwise(flat), size), rate(lambda: nested(columns), size)
    print(f"  generated C, flat arrays        {c:12,.0f} points/s, {c / ours:.2f} times the grid's")
    print(f"  generated C, two loops          {loops:12,.0f} points/s, {loops / ours:.2f} times the grid's")
    degrees = product((1, 2, 4, 8), (1, 2, 4, 8, 16), (1, 2, 4))
    layouts = [st.Layout(tp=tp, dp=dp, pp=pp) for tp, dp, pp in degrees]
    some = {"batch": whole(1, 4096, 200), "context": np.geomspace(100, 200_000, 500)}
    points, begun = len(layouts) * 200 * 500, time.process_time()
    times = step.over(layout=layouts, **some).step_time
    first = times.size / (time.process_time() - begun)
    again = rate(lambda: step.over(layout=layouts, **some).step_time, points)
    print(f"  {len(layouts)} layouts x 200 x 500, cases built  {first:12,.0f} points/s, {again:,.0f} again")


def main() -> None:
    grids("llama-3.1-70b", "h100-sxm")
    grids("deepseek-v3", "gb200-nvl72")
    search()
    train_search()
    any_layout()
    dense = {"layout": "tp=8", "weights": "bf16"}
    compare("llama-3.1-70b decode on 8 h100-sxm, full overlap, over batch and context",
            st.step("llama-3.1-70b", "h100-sxm", **dense).case, q.context, by_hand_decode)  # fmt: skip
    compare("llama-3.1-70b prefill on 8 h100-sxm, full overlap, over batch and prompt",
            st.step("llama-3.1-70b", "h100-sxm", phase="prefill", **dense).case, q.prompt,
            by_hand_prefill)  # fmt: skip
    experts = st.step("deepseek-v3", "h100-sxm", layout="dp=72,ep=72", batch=512).case
    compare("deepseek-v3 decode on 72 h100-sxm (experts touched: a power), over batch and context", experts, q.context,
            None)  # fmt: skip


if __name__ == "__main__":
    main()
