"""Chapter 13, fleets: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import count, quantity, second
from steptime.model.symbols import COUNTS

# fmt: off
layer_number = quantity("layer_number", count, r"j_L", "number of a layer, the first being one", integer=True, sane=COUNTS)
layer_work = quantity("layer_work", second, r"t_L", "time of the prefill of one prompt in one layer")
layer_sending = quantity("layer_sending", second, r"t_{\kappa L}", "time in which a link hands over one layer's cache of a prompt")
handed_before = quantity("handed_before", second, r"t_{\kappa,j-1}", "time until the caches of all layers before one are handed over")
handed_with = quantity("handed_with", second, r"t_{\kappa,j}", "time until the caches of all layers up to one are handed over")
round_slack = quantity("round_slack", second, r"\delta_\mathrm{rd}", "time by which all micro-batches keep the slower side busy beyond one micro-batch's round of a layer", sane=(0, 1e30))
round_wait = quantity("round_wait", second, r"\omega_\mathrm{rd}", "time that the slower side waits in each layer for the first micro-batch to come round", sane=(0, 1e30))
cost_of_apart = quantity("cost_of_apart", count, r"\gamma_\mathrm{apart}", "dollars with attention and experts apart over those where every chip does both")
