"""In which formats weights are stored, multiply-adds run and the KV cache is kept: as asked, else as the model says."""

from collections.abc import Mapping

from steptime.model import symbols as q
from steptime.model.architecture.storage import Stored, stored_as
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Format, Weight
from steptime.model.errors import UserError
from steptime.model.phases.accounts import Accounts
from steptime.model.precision import WEIGHTS_ALONE, activations_for
from steptime.model.step.inputs import Default, Inputs


def formats(inputs: Inputs, accounts: Accounts, hardware: Hardware) -> tuple[dict[str, str], list[Default]]:
    """Formats of weights, activations and KV cache, with each default noted.

    Raises UserError where the machine has no peak, and for a model whose format is known to be another than it states.
    """
    own, defaults = accounts.precision, list[Default]()
    if accounts.unstated and inputs.weights is None and q.bytes_per_weight not in inputs.given:
        raise UserError(f"{accounts.unstated}; or give `weights`")
    weights, kv = usual_weights(inputs, accounts), usual_kv(inputs, accounts)
    if inputs.weights is None:
        defaults.append(Default("weights", weights, "" if own else "the model states no format that is modelled"))
    if inputs.kv is None:
        defaults.append(Default("kv", kv, "as the model's file asks" if accounts.kv else ""))
    activations: str | None = inputs.activations
    if activations is None:
        wanted = usual_activations(inputs.weights, accounts)
        if not hardware.peaks and q.peak_flops not in inputs.given:
            raise UserError(hardware.missing("peak_flops") + " is missing: give it, or `peak_flops`")
        activations = activations_for(wanted, tuple(hardware.peaks)) if hardware.peaks else wanted
        alone = wanted != weights and wanted in (Format.BF16, Format.FP16)
        defaults.append(Default("activations", activations, "only the weights are quantised" if alone else ""))
    return {"weights": weights, "activations": activations, "kv": kv}, defaults


def usual_weights(inputs: Inputs, accounts: Accounts) -> Format:
    """The format of most weights."""
    return inputs.weights or Format(accounts.precision or Format.BF16)


def usual_kv(inputs: Inputs, accounts: Accounts) -> Format:
    return inputs.kv or Format(accounts.kv or Format.BF16)


def usual_activations(weights: str | None, accounts: Accounts) -> str:
    """The format that multiply-adds are meant to run in: as the model's file says, else the weights' own; 16 bits for
    formats of weights alone."""
    if weights is None and accounts.activations is not None:
        return accounts.activations
    stored = weights or accounts.precision or Format.BF16
    return Format.BF16 if stored in WEIGHTS_ALONE else stored


def stored_weights(inputs: Inputs, accounts: Accounts, weights: str) -> Mapping[Weight, Stored]:
    """Kinds of weights that take other bytes than the format's: as the model states, or as a format leaves them."""
    if inputs.weights is None and accounts.precision is not None:
        return accounts.stored
    if not accounts.is_architecture:
        return {}
    kept = stored_as(weights)
    return {kind: form for kind, form in kept.items() if not (accounts.tied and kind == Weight.UNEMBEDDING)}
