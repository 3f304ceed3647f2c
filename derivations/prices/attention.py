"""Chapter 5, prices: the context at which attention multiplies as much as the weights."""

from collections.abc import Mapping
from functools import cache as once
from functools import partial

from sympy import Rational

from steptime.derivations.axioms import ATTENDS_TO_ALL
from steptime.derivations.board import numbers
from steptime.derivations.claims import Claim, Wording
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.prices.kv_numbers import growing_caches
from steptime.derivations.prices.recompute import LECTURE
from steptime.derivations.prices.symbols import weights_flops_share
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases.decode import flops_per_token
from steptime.model.scenario import Scenario
from steptime.model.symbols import active_parameters, attention_flops, context, flops_per_mac

HALF = given(weights_flops_share, Rational(1, 2), "the weights have half of all multiply-adds")

attention_share = Derivation(
    name="attention-context",
    title="The context at which attention multiplies as much as the weights",
    rows=("5.4",),
    claim="Attention's multiply-adds grow with context, those of the weights do not.",
    start=Defined(
        weights_flops_share,
        flops_per_mac * active_parameters / flops_per_token,
        "the weights' multiply-adds over all multiply-adds of a token",
    ),
    steps=(
        Step(
            "the weights have half of all multiply-adds",
            substitute(HALF),
            equation(
                Rational(1, 2),
                flops_per_mac * active_parameters / (flops_per_mac * active_parameters + attention_flops * context),
            ),
        ),
        Step(
            "solve for the context",
            solve_for(context),
            equation(context, flops_per_mac * active_parameters / attention_flops),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, HALF),
    sources=(LECTURE,),
    example=lambda: numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=1000, batch=2048),
    example_text="DeepSeek-V3, latent attention absorbed as in decode",
    holds=(more(attention_flops, 0),),
)


def equal_context(model: str) -> float:
    """The context at which attention multiplies as much as the weights; layers with a window stop growing at it."""
    from steptime.model.catalog.transformers import load_transformer
    from steptime.model.layout.choices import Plan
    from steptime.model.phases.ledger import Ledger

    transformer = load_transformer(model)
    total = Ledger(transformer, Plan()).slots[attention_flops]
    values = {flops_per_mac: 2.0, active_parameters: float(transformer.active_parameters)}
    found = 1e5
    for _ in range(100):  # a fixed point: attention_flops averages over the context
        values[attention_flops] = float(Scenario({flops_per_mac: 2.0, context: found}).evaluate(total))
        found = float(Scenario(values).evaluate(attention_share.result.rhs))
    return found


@once
def equal_contexts() -> Mapping[str, float]:
    """Of every model in the catalogue that has one: with a window on every layer attention never catches up."""
    from steptime.model.catalog.transformers import load_transformer, transformer_names

    def grows(name: str) -> bool:
        return any(mixer.window is None for mixer, _ in growing_caches(load_transformer(name)))

    return {name: equal_context(name) for name in transformer_names() if grows(name)}


def extreme(largest: bool) -> float:
    return sorted(equal_contexts().values())[-1 if largest else 0]


def extreme_inputs(largest: bool) -> Mapping[str, float | str]:
    by_context = sorted(equal_contexts(), key=lambda name: equal_contexts()[name])
    return {"model": by_context[-1 if largest else 0], "models": float(len(by_context))}


CLAIMS = (
    *(
        Claim(
            "5.4",
            f"{which} context at which attention multiplies as much as the weights: millions",
            1e6,
            partial(extreme, largest),
            partial(extreme_inputs, largest),
            Wording.ISH,
        )
        for which, largest in (("shortest", False), ("longest", True))
    ),
)
