"""Chapter 14, failures and checkpoints: spare chips, and the time of a whole run."""

from steptime.derivations.axioms import LITTLE
from steptime.derivations.facts import Defined, Modelled
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.reliability.checkpoints import kept
from steptime.derivations.reliability.failures import FAILURES
from steptime.derivations.reliability.formulas import away, each_fails
from steptime.derivations.reliability.numbers import JOB, LLAMA_3, job
from steptime.derivations.rules import equation, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import KAPLAN
from steptime.derivations.training.run import duration, reached, six_n_d
from steptime.derivations.training.symbols import run_time
from steptime.derivations.waiting.numbers import LITTLES

from steptime.derivations.reliability.symbols import (  # isort: skip
    failed_run_time, failures_per_second, in_repair, kept_share_of_time, repair_time, spare_share,
)  # fmt: skip
from steptime.model.economics.symbols import (  # isort: skip
    checkpoint_interval, chip_failure_interval, failure_interval, restart_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    chips,
)  # fmt: skip

spares = Derivation(
    name="spare-chips",
    title="How many chips are in repair",
    rows=("14.7",),
    claim="A job that swaps a failed chip for a spare one needs, of each hundred, as many spares on average as a "
    "repair takes per cent of a chip's time between failures: the size of the job drops out.",
    start=Defined(spare_share, in_repair / chips, "chips in repair over those at work"),
    steps=(
        Step(
            "what fails per second times how long each is away",
            substitute(Modelled(in_repair, away)),
            equation(spare_share, failures_per_second * repair_time / chips),
        ),
        Step(
            "the failures of all chips", substitute(FAILURES), equation(spare_share, each_fails * repair_time / chips)
        ),
        Step(
            "as many as there are chips",
            total(each_fails, chips / chip_failure_interval),
            equation(spare_share, repair_time / chip_failure_interval),
        ),
    ),
    assumes=(LITTLE,),
    sources=(LITTLES,),
    example=job,
    example_text=f"{JOB}; a repair of one day",
)

run = Derivation(
    name="training-run-with-failures",
    title="Time of a training run that fails",
    rows=("14.8",),
    claim="A run takes longer by what is not kept: with more chips it works faster and fails more often.",
    start=Defined(failed_run_time, run_time / kept_share_of_time, "the time of a run over what is kept of it"),
    steps=(
        Step("6 N D over what chips achieve", substitute(duration),
             equation(failed_run_time, six_n_d / (reached * kept_share_of_time))),
        Step(
            "what is kept at the best interval",
            substitute(kept),
            equation(
                failed_run_time,
                six_n_d * (failure_interval + restart_time) / (reached * (failure_interval - checkpoint_interval)),
            ),
        ),
    ),
    assumes=(),
    sources=(KAPLAN, LLAMA_3),
    example=job,
    example_text=JOB,
    holds=(more(failure_interval, checkpoint_interval),),
)  # fmt: skip

DERIVATIONS = (spares, run)
