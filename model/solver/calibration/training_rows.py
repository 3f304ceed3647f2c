"""Measured steps of training as rows: what each asks of a chip with what is likeliest, and what was measured."""

from collections.abc import Hashable, Iterable

from steptime.model import symbols as q
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError
from steptime.model.solver.calibration.rows import Row, check_possible
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.practised import Refusals, Runs
from steptime.model.solver.measured.printed import SHARES, printed_flops, seconds
from steptime.model.step.estimate import kind_of


def training_rows(measurements: Iterable[Measurement], places: Places) -> tuple[list[Row], dict[str, str]]:
    """The rows of training that an estimate can be made of; and why others cannot, by identifier."""
    runs, counted = Runs(places), dict[Hashable, float]()
    found, why = list[Row](), dict[str, str]()
    for row in measurements:
        if row.phase != PhaseName.TRAIN:
            continue
        try:
            found.append(_row(row, runs, counted))
        except Refusals as error:
            why[row.id] = " ".join(str(error).split())
    return found, why


def _row(row: Measurement, runs: Runs, counted: dict[Hashable, float]) -> Row:
    """One row; ``counted`` are FLOP as papers count them, of runs that were met before."""
    if row.wrong:
        raise UserError(row.wrong)
    likely = runs.of(row)
    case, model = likely.case, likely.case.accounts.transformer
    assert model is not None, "only architectures are trained"
    flops, printed = 0.0, (row.run, row.figure)
    if row.quantity in SHARES:
        if printed not in counted:
            counted[printed] = printed_flops(row, case)
        flops = counted[printed]
    tokens = float(case.scenario.evaluate(q.batch * case.phase.yields))
    machine = case.hardware
    measured = seconds(row, machine, tokens, flops)
    check_possible(measured, likely.bound)
    return Row(row, machine.family or machine.name, kind_of(model), likely.asked, {}, measured, likely.bound)
