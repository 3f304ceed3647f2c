"""Chapter 12, fleets: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import count, quantity, second
from steptime.model.symbols import COUNTS

# fmt: off
layer_number = quantity("layer_number", count, r"j_L", "number of a layer, the first being one", integer=True, sane=COUNTS)
layer_work = quantity("layer_work", second, r"t_L", "time of the prefill of one prompt in one layer")
layer_sending = quantity("layer_sending", second, r"t_{\kappa L}", "time in which a link hands over one layer's cache of a prompt")
handed_before = quantity("handed_before", second, r"t_{\kappa,j-1}", "time until the caches of all layers before one are handed over")
handed_with = quantity("handed_with", second, r"t_{\kappa,j}", "time until the caches of all layers up to one are handed over")
