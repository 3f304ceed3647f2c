"""What must hold between answers, whatever the scenario: each relation says what is violated, or nothing."""

from collections.abc import Callable, Iterator
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scenes import RATES, Scene

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.hardware import QUANTITIES, load_hardware
from steptime.model.text.step_json import outputs

SLACK = 1e-9
Violations = Iterator[str]


def same(first: float | None, second: float | None, within: float = SLACK) -> bool:
    return first is second or (first is not None and second is not None and isclose(first, second, rel_tol=within))


def figures(step: st.Step) -> dict[str, float | None]:
    """The figures that a step reports, by name: those of its JSON, without the crossovers beside them."""
    case, asked = step.case, outputs(step.case)
    parts = {f"memory_per_chip.{name}": part for name, part in case.fullest_stage.parts.items()}
    numbers = case.numbers([*asked.values(), *parts.values()])
    return {name: numbers[expr] for name, expr in {**asked, **parts}.items()}


def differing(first: st.Step, second: st.Step, within: float = SLACK, but: tuple[str, ...] = ()) -> Violations:
    one, other = figures(first), figures(second)
    for name in one:
        if name not in but and not same(one[name], other.get(name), within):
            yield f"{name} is {one[name]!r} and {other.get(name)!r}"


def a_faster_rate_never_slows(scene: Scene) -> Violations:
    rates = [name for name in RATES if name in scene.step.quantities]
    name, factor = scene.draw.choice(rates), 1 + 9 * scene.draw.random()
    faster = scene.again(**{name: scene.step.quantities[name] * factor})
    for overlap, time in scene.step.band.items():
        if time is not None and (found := faster.band[overlap]) is not None and found > time * (1 + SLACK):
            yield f"{factor:.3g} times {name}: {overlap} goes from {time!r} to {found!r}"


def the_band_is_ordered(scene: Scene) -> Violations:
    full, operations, none = (scene.step.band[name] for name in ("full", "per-operation", "none"))
    if None not in (full, operations, none) and not full <= operations * (1 + SLACK) <= none * (1 + 2 * SLACK):
        yield f"the band is {full!r}, {operations!r}, {none!r}"


def all_rates_scale_the_time(scene: Scene) -> Violations:
    """With no start-up latency, times are work over rates."""
    known, factor = scene.step.quantities, 0.1 + 10 * scene.draw.random()
    latencies = dict.fromkeys(("scale_up_latency", "scale_out_latency"), 0.0)
    scaled = {name: known[name] * factor for name in RATES if name in known}
    before, after = scene.again(**latencies), scene.again(**latencies, **scaled)
    for overlap, time in before.band.items():
        if time is not None and not same(after.band[overlap], time / factor):
            yield f"all rates times {factor:.6g}: {overlap} goes from {time!r} to {after.band[overlap]!r}"


GOALS: dict[str, Callable[[st.Step], float | None]] = {
    "cost": lambda step: _over(step.dollars_per_million_tokens, 1e6), "latency": lambda step: step.time,
    "energy": lambda step: step.case.number(q.joules_per_token),
    "chip-seconds": lambda step: _over(step.layout.chips, step.tokens_per_second),
}  # fmt: skip


def _over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or whole is None else part / whole


def the_best_batch_is_its_own_step(scene: Scene) -> Violations:
    """And no batch near it costs less within the limits."""
    goal, slower = scene.draw.choice(list(GOALS)), scene.draw.choice([None, 1.5, 4.0])
    if GOALS[goal](scene.step) is None or "chunk" in scene.words:
        return
    limit = None if slower is None else scene.step.time * slower
    try:
        best = scene.step.best_batch(goal, limit, efficiency="ideal")
    except st.UserError:
        return  # nothing satisfies the limits
    whole = best.whole
    if not whole or not whole["feasible"]:
        return
    at = scene.again(batch=whole["batch"])
    if not same(at.time, whole["step_time"]):
        yield f"{goal} within {limit}: batch {whole['batch']} takes {whole['step_time']!r}, its step {at.time!r}"
    if not same(GOALS[goal](at), whole["cost"]):
        yield f"{goal} within {limit}: batch {whole['batch']} costs {whole['cost']!r}, its step {GOALS[goal](at)!r}"
    if at.fits is False or (limit is not None and at.time > limit * (1 + SLACK)):
        yield f"{goal} within {limit}: batch {whole['batch']} breaks a limit: {at.time!r}, fits {at.fits}"
    layout = scene.layout
    ranks = layout.replicas * layout.dp * (scene.words.get("microbatch", 1) if "sequence" in scene.words else layout.pp)
    for by in {1, -1, ranks, -ranks}:
        near = whole["batch"] + by
        if near < ranks:
            continue
        try:
            other = scene.again(batch=near)
        except st.UserError:
            continue  # no whole micro-batches
        allowed = other.fits is not False and (limit is None or other.time <= limit)
        costs, best_costs = GOALS[goal](other), whole["cost"]
        if allowed and costs < best_costs * (1 - 1e-7):
            yield f"{goal} within {limit}: batch {near} costs {costs!r}, the best, {whole['batch']}, {best_costs!r}"


def a_crossover_put_back_makes_terms_equal(scene: Scene) -> Violations:
    """In the forms on the blackboard, whose mean loads crossovers keep."""
    case = scene.step.case.relaxed
    over = scene.draw.choice(["batch", case.phase.varies.name, "memory_bandwidth", "peak_flops"])
    first, second = scene.draw.sample(["compute", "memory", "interconnect"], 2)
    try:
        found = scene.step.crossover(first, second, over)
    except (st.UserError, st.Unbound):
        return  # no meaning here, or a figure is missing
    for value in found.answer.values:
        there = case.scenario | {found.answer.over: value}
        one, other = there.evaluate(case.resources[first]), there.evaluate(case.resources[second])
        if not same(one, other, 1e-6):
            yield f"{first} = {second} at {over} {value!r}: {one!r} and {other!r}"


def a_file_of_a_machine_answers_as_the_catalogue(scene: Scene) -> Violations:
    machine = load_hardware(scene.hardware)
    peaks = ", ".join(f"{name} = {figure.value!r}" for name, figure in machine.peaks.items())
    lines = [f"peak_flops = {{ {peaks} }}", f"in_switch_reduction = {str(machine.in_switch_reduction).lower()}"]
    lines += [f"{name} = {machine.figures[name].value!r}" for name in QUANTITIES if name in machine.figures]
    lines += [f'topology = "{machine.topology}"'] if machine.topology else []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mine.toml"
        file.write_text("\n".join(lines) + "\n")
        yield from differing(scene.step, scene.again(hardware=str(file)))


def quantities_of_a_model_answer_as_its_configuration(scene: Scene) -> Violations:
    """On one chip, where nothing is split unevenly: the two terms of a decode step."""
    if "context" not in scene.words:
        return
    alone = scene.again(layout=st.Layout())
    known = alone.quantities
    names = ("parameters", "active_parameters", "parameters_read", "kv_bytes", "kv_written", "attention_flops",
             "bytes_per_weight")  # fmt: skip
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mine.toml"
        stated = {name: round(known[name]) if "active" in name else known[name] for name in names if name in known}
        stated["parameters"] = round(max(known["parameters"], stated["active_parameters"]))
        stored = stated.pop("bytes_per_weight")
        file.write_text("".join(f"{name} = {value!r}\n" for name, value in stated.items()))
        formats = dict(alone.case.precision)
        other = scene.again(model=str(file), layout=st.Layout(), bytes_per_weight=stored, experts=None, **formats)
    for term in ("compute", "memory"):
        one, two = getattr(alone.terms, term).seconds, getattr(other.terms, term).seconds
        if not same(one, two, 1e-6):
            yield f"{term} is {one!r} by the configuration, {two!r} by its quantities"


def layouts_that_are_the_same_answer_alike(scene: Scene) -> Violations:
    """Degrees in another order; replicas beside a batch that grows with them; in a model without experts, ranks that
    share no work as replicas."""
    degrees = {name: getattr(scene.layout, name) for name in ("replicas", "pp", "ep", "dp", "cp", "tp")}
    written = ",".join(f"{name}={degree}" for name, degree in scene.draw.sample(list(degrees.items()), 6))
    yield from (f"in another order: {text}" for text in differing(scene.step, scene.again(layout=written)))
    beside = {**degrees, "replicas": degrees["replicas"] * 2}
    more = scene.again(layout=beside, batch=scene.words["batch"] * 2)
    changed = ("tokens_per_second", "bounds.none", "terms.interconnect", "network.scale_out", "network.scale_up")
    if "sequence" not in scene.words:
        yield from (f"twice the replicas: {text}" for text in differing(scene.step, more, but=changed[:1]))
    if not scene.step.case.accounts.experts and "sequence" not in scene.words and degrees["dp"] > 1 == degrees["pp"]:
        apart = {**degrees, "dp": 1, "ep": 1, "replicas": degrees["replicas"] * degrees["dp"]}
        if degrees["ep"] == 1:
            yield from (f"ranks as replicas: {text}" for text in differing(scene.step, scene.again(layout=apart)))


def every_way_to_ask_agrees(scene: Scene) -> Violations:
    """``step``, ``replace`` and a grid."""
    varies = scene.step.case.phase.varies.name
    batches = [scene.words["batch"], scene.words["batch"] * 2]
    sizes = [scene.words.get(varies, 4096), scene.words.get(varies, 4096) + 64]
    grid = scene.step.over(**{"batch": batches, varies: sizes})
    for row, batch in enumerate(batches):
        for column, size in enumerate(sizes):
            asked, found = scene.again(**{"batch": batch, varies: size}), float(grid.step_time[row, column])
            if not same(found, asked.time):
                yield f"grid at batch {batch}, {varies} {size}: {found!r}, step {asked.time!r}"
    replaced = scene.step.replace(**{"batch": batches[1], varies: sizes[1]})
    yield from (f"replaced: {text}" for text in differing(replaced, asked))


def a_search_finds_what_its_step_says(scene: Scene) -> Violations:
    """The best point is its own step in every figure, and no dearer than the layout at hand; ties within 1 %."""
    if scene.layout.chips > 32 or scene.draw.random() < 0.5 or "chunk" in scene.words:
        return
    goal = scene.draw.choice(["latency", "chip-seconds"])
    formats = dict(scene.step.case.precision)
    words = {name: value for name, value in scene.words.items() if name != "layout"} | formats
    if "sequence" in words:
        words.pop("kv", None)
    try:
        found = st.search(scene.model, scene.hardware, scene.layout.chips, minimise=goal, **words)
    except st.UserError:
        return  # no point fits
    best, at = found.best, found.step()
    for name, one, other in (("time", best.step_time, at.time), ("cost", best.cost, GOALS[goal](at)),
                             ("speed", best.per_sequence, at.case.number(q.tokens_per_second_per_sequence)),
                             ("rate", best.per_chip, at.tokens_per_second / scene.layout.chips)):  # fmt: skip
        if not same(one, other, 1e-6):
            yield f"search for {goal}: {name} is {one!r}, its step's {other!r} ({best.layout}, batch {best.batch})"
    ranks = scene.layout.replicas * scene.layout.dp * scene.layout.pp
    own = GOALS[goal](scene.step)
    if scene.step.fits is not False and scene.words["batch"] >= ranks and best.cost > own * 1.01:
        yield f"search for {goal}: {best.layout} costs {best.cost!r}, {scene.layout} {own!r}"


RELATIONS: tuple[Callable[[Scene], Violations], ...] = (
    a_faster_rate_never_slows, the_band_is_ordered, all_rates_scale_the_time, the_best_batch_is_its_own_step,
    a_crossover_put_back_makes_terms_equal, a_file_of_a_machine_answers_as_the_catalogue,
    quantities_of_a_model_answer_as_its_configuration, layouts_that_are_the_same_answer_alike,
    every_way_to_ask_agrees, a_search_finds_what_its_step_says,
)  # fmt: skip


def violations(scene: Scene) -> list[tuple[str, Any]]:
    """What a scene violates, by relation; an error of any other kind is a violation too."""
    found: list[tuple[str, Any]] = []
    for relation in RELATIONS:
        try:
            found += [(relation.__name__, text) for text in relation(scene)]
        except Exception as error:  # whatever it is, it is to be seen beside its scene
            found.append((relation.__name__, f"{type(error).__name__}: {error}"))
    return found
