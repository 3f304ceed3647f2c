"""Chapter 12, waiting: quantities that only its derivations speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import count, quantity, second

# fmt: off
coming_rate = quantity("coming_rate", 1 / second, r"r_\uparrow", "requests a second that begin to decode with so many in service", sane=(0, 1e30))
leaving_rate = quantity("leaving_rate", 1 / second, r"r_\downarrow", "requests a second that end with one more in service", sane=(0, 1e30))
made_rate = quantity("made_rate", 1 / second, r"r_n", "tokens a second of steps with one more in service", sane=(0, 1e30))
asked_rate = quantity("asked_rate", 1 / second, r"r_{\mathrm{tok},q}", "tokens a second that requests ask for")
token_share = quantity("token_share", count, r"\theta_{n+1}", "share of tokens of steps with one more in service")
