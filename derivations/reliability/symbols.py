"""Chapter 14, failures and checkpoints: quantities that only its derivations, and later ones, speak of.

Those that a run of training uses are in `model/economics/symbols`.
"""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import count, quantity, second
from steptime.model.symbols import COUNTS

# fmt: off
part_number = quantity("part_number", count, r"i_1", "number of a chip of a job, the first being one", integer=True, sane=COUNTS)
failures_per_second = quantity("failures_per_second", 1 / second, r"\lambda_f", "failures of a job per second")
failures_by_rate = quantity("failures_by_rate", count, r"n_\lambda^a", "failures that come while one attempt lasts, on average", sane=(0, 1))
failures_by_chance = quantity("failures_by_chance", count, r"n_1^a", "failures that end one attempt: one or none, on average", sane=(0, 1))
kept_share_of_time = quantity("kept_share_of_time", count, r"g_c", "goodput: share of the time of a job that is work that is kept", sane=(0, 1))
lost_share_of_time = quantity("lost_share_of_time", count, r"\bar g_c", "share of the time of a job that checkpoints, failures and restarts take", sane=(0, 1))
repair_time = quantity("repair_time", second, r"R_1", "time from the failure of a chip until it can be used again")
in_repair = quantity("in_repair", count, r"n_R", "chips of a job that are in repair, on average", sane=(0, 1e9))
spare_share = quantity("spare_share", count, r"\sigma_R", "chips in repair over those at work", sane=(0, 1e9))
failed_run_time = quantity("failed_run_time", second, r"t_\mathrm{run}'", "time of a whole training run, failures and checkpoints included")
young_ratio = quantity("young_ratio", count, r"\rho_\tau", "square of Young's interval over that of the best one")
first_order_loss = quantity("first_order_loss", count, r"\bar g_1", "share of the time of a job that is lost, to first order")
