"""From measured rows to a set of coefficients: which rows count, the fit, its errors on rows left out, its file."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.measurement import COLLECTIVES, Measurement, distinct
from steptime.model.choices import PhaseName, Scope
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.solver.calibration.cross import Part, judged
from steptime.model.solver.calibration.exchanges import Exchanges, calibrate_collectives, collectives_text
from steptime.model.solver.calibration.fit import DecodeTable, Table, TrainingTable
from steptime.model.solver.calibration.power import Power, powers_of
from steptime.model.solver.calibration.priors import PRIORS, TRAINING_PRIORS, Prior, fitted
from steptime.model.solver.calibration.refused import too_few
from steptime.model.solver.calibration.rows import Row, rows_of
from steptime.model.solver.calibration.training_rows import training_rows
from steptime.model.solver.measured.places import Places

from steptime.model.catalog.coefficients import (  # isort: skip
    COEFFICIENTS, COUNTED, TRAINING_COEFFICIENTS, WORDS, Coefficients, Seen, SeenInTraining, TrainingSet,
)  # fmt: skip

MOST_SHARE = 0.65
"""Of a chip's peak that the products of prefills can reach beside decode steps: rows that imply more did less work than
they say, as where prompts were found in a cache."""
SUSPECT = 0.5
"""Share of a group's rows that say too much, from which on none of them counts."""
LEAST_PART = 0.10
"""Of a step: prefills that take less of it, at the peak, say nothing."""
LEAST_ROWS = 30


OF_DECODING = ("group", "model", "machine", "stack", "source")
OF_TRAINING = ("group", "model", "machine", "source")
"""What is left out together."""


@dataclass(frozen=True)
class Calibration(Part):
    """What a fit of decode steps found, the rows that it could not use, those that it was not to, and the implausible
    ones; and the fit of steps of training, None where there are too few."""

    implausible: Mapping[str, str]
    unusable: Mapping[str, str]
    unfitted: Table
    doubted: Table
    training: Part | None
    untrained: Mapping[str, str]
    power: Sequence[Power]
    collectives: Exchanges | None = None

    @property
    def coefficients(self) -> Coefficients:
        """The set, as a file holds it."""
        rows = self.table.rows
        contexts = [row.source.number("context") or 1.0 for row in rows]
        sequences = [row.asked[e.sequences] for row in rows]
        scopes = {str(Scope.SERVING if row.along.get(e.riding) else Scope.STEPS) for row in rows}
        stages = _ends([row.source.number("pp") or 1.0 for row in rows])
        seen = Seen(_ends(contexts), _ends(sequences), _chips(rows), _kinds(rows), tuple(sorted(scopes)), stages)
        names = tuple(symbol.name for symbol in fitted())
        return Coefficients(
            "calibration", self.fit.coefficients, self.fit.families, self.bands, seen, names, len(rows),
            training=None if self.training is None else _set(self.training),
            collectives=None if self.collectives is None else self.collectives.coefficients, unseen=self.unseen,
        )  # fmt: skip


def _set(part: Part) -> TrainingSet:
    """The coefficients of training, as a file holds them."""
    rows = part.table.rows
    sizes = [size for row in rows if (size := row.source.number("microbatch")) is not None] or [1.0]
    lengths = [row.source.number("sequence") or 1.0 for row in rows]
    seen = SeenInTraining(_ends(lengths), _ends(sizes), _chips(rows), _kinds(rows))
    names = tuple(symbol.name for symbol in fitted(part.table.priors))
    families = tuple(sorted(set(part.table.families)))
    return TrainingSet(part.fit.coefficients, part.bands, seen, families, names, len(rows), part.unseen)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _chips(rows: Sequence[Row]) -> tuple[float, float]:
    return _ends([float(row.source.chips) for row in rows])


def _kinds(rows: Sequence[Row]) -> tuple[str, ...]:
    """Which kinds of models rows are of."""
    return tuple(sorted({row.kind for row in rows}))


def implausible(row: Row) -> str | None:
    """Why a row cannot be what it says, or None: prefills that ride along would have to run too close to the peak.

    Their products have at most the time that the decode step's own bound leaves.
    """
    work = sum(row.along.get(name, 0.0) for name in (e.dense_flops, e.expert_flops)) * row.along.get(e.riding, 0.0)
    least = work / row.asked[q.peak_flops]
    if least < LEAST_PART * row.measured:
        return None
    if least <= MOST_SHARE * (row.measured - row.ideal):
        return None
    return f"its prefills would run above {MOST_SHARE:.0%} of the peak: prompts found in a cache, likely"


def doubtful(rows: Sequence[Row]) -> dict[str, str]:
    """Why rows cannot be what they say, by identifier. Where it is so of half of the rows of a group, one server ran
    with a cache of prompts, and the others of it are no better."""
    alone = {row.source.id: text for row in rows if (text := implausible(row)) is not None}
    whole, doubted = Counter(row.group for row in rows), Counter(row.group for row in rows if row.source.id in alone)
    of_run = {row.source.id: f"of its run {SUSPECT:.0%} or more of the rows are so: prompts found in a cache, likely"
              for row in rows if doubted[row.group] >= SUSPECT * whole[row.group]}  # fmt: skip
    return of_run | alone


def calibrate(
    measurements: Sequence[Measurement],
    places: Places | None = None,
    progress: Callable[[float], None] = lambda share: None,
    chosen: Callable[[Row], bool] = lambda row: True,
) -> Calibration:
    """Fit the coefficients to measured steps, and say how far off the formula is on rows that it never saw.

    ``chosen``: rows that are fitted; the others are judged by the fit. Raises UserError where too few rows are left.
    """
    places, unlike = places or Places(), distinct(measurements)
    passes = [row for row in unlike if row.phase != PhaseName.TRAIN and (row.phase not in COLLECTIVES or row.wrong)]
    usable, why = rows_of(passes, places)
    doubts = doubtful(usable)
    plausible = [row for row in usable if row.source.id not in doubts]
    doubted = DecodeTable([row for row in usable if row.source.id in doubts])
    rows, others = [r for r in plausible if chosen(r)], [r for r in plausible if not chosen(r)]
    if len(rows) < LEAST_ROWS:
        raise too_few(len(rows), LEAST_ROWS, measurements, unlike, {**why, **doubts})
    if len({row.group for row in rows}) == 1:
        raise UserError(f"all {len(rows)} rows are of one model, machine and serving stack: no others judge the fit")
    progress(0.1)
    part = judged(DecodeTable(rows), OF_DECODING, lambda share: progress(0.1 + 0.7 * share))
    trained, untrained = training_rows(unlike, places)
    training = None
    if len(trained) >= LEAST_ROWS and len({row.group for row in trained}) > 1:
        table = TrainingTable(trained, part.fit)
        training = judged(table, OF_TRAINING, lambda share: progress(0.8 + 0.15 * share))
    exchanges, unused = calibrate_collectives(unlike, places)
    progress(1.0)
    return Calibration(**vars(part), implausible=doubts, unusable=why | unused, unfitted=DecodeTable(others),
                       doubted=doubted, training=training, untrained=untrained,
                       power=powers_of(usable), collectives=exchanges)  # fmt: skip


def coefficients_text(found: Calibration) -> str:
    """The file: the same text for the same rows."""
    made = found.coefficients
    lines = [
        "# Coefficients of the estimate, made by `steptime calibrate` from measured rows: nothing here is typed in.",
        "# Shares of a rate, and seconds; kernels are factors of hardware families on kernel_time; bands are measured",
        "# over estimated time of rows whose group of model, machine and serving stack the fit had not seen; in unseen",
        "# of rows whose machine it had not seen, each machine counted alike.",
        "# Steps of training are a fit of their own: [training].",
        *_section("", made, COEFFICIENTS, PRIORS), "", "[kernels]",
        *(f"{family} = {factor:.6g}" for family, factor in sorted(made.kernels.items())),
    ]  # fmt: skip
    if made.training is not None:
        families = ", ".join(map(_quoted, made.training.families))
        lines += ["", "[training]", f"families = [{families}]",
                  *_section("training.", made.training, TRAINING_COEFFICIENTS, TRAINING_PRIORS)]  # fmt: skip
    if made.collectives is not None:
        lines += collectives_text(made.collectives)
    return "\n".join([*lines, ""])


def _section(
    under: str, made: Coefficients | TrainingSet, symbols: Sequence[Symbol], priors: Mapping[Symbol, Prior]
) -> list[str]:
    """The lines of one kind of step, its tables under a heading."""
    lines = [f"rows = {made.rows}", f"fitted = [{', '.join(map(_quoted, made.fitted))}]", "", f"[{under}coefficients]"]
    lines += [f"{symbol.name} = {made.values[symbol]:.6g} # {_how(priors[symbol])}" for symbol in symbols]
    for table, bands in (("bands", made.bands), ("unseen", made.unseen)):
        for name, band in bands.items():
            lines += ["", f"[{under}{table}.{_quoted(name)}]", f"low = {band.low:.6g}", f"high = {band.high:.6g}",
                      f"rows = {band.rows}", f"groups = {band.groups}",
                      *(f"{of} = {_counts(getattr(band, of))}" for of in COUNTED if table == "bands")]  # fmt: skip
    ends, words = dict(vars(made.seen)), dict[str, Sequence[str]]()
    for name in WORDS:
        words[name] = ends.pop(name, ())
    seen = [f"{name} = [{low:.6g}, {high:.6g}]" for name, (low, high) in ends.items()]
    seen += [f"{name} = [{', '.join(map(_quoted, known))}]" for name, known in words.items() if known]
    return [*lines, "", f"[{under}seen]", *seen]


def _how(prior: Prior) -> str:
    return f"fitted, about {prior.value:g}" if prior.fitted else f"held: {prior.reason}"


def _counts(found: Mapping[str, int]) -> str:
    """Rows of each, the most first."""
    shown = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return "{" + ", ".join(f"{_quoted(name)} = {rows}" for name, rows in shown) + "}"


def _quoted(text: str) -> str:
    return '"' + text + '"'
