"""Quantities of waiting: requests that come at random to a group of chips."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import count, quantity, second

# fmt: off
group_rate = quantity("group_rate", 1 / second, r"\lambda_q", "requests that come to one group of chips per second, at random")
decoded = quantity("decoded", count, r"G_q", "decode steps of a request, on average", sane=(1, 1e9))
prefill_mean = quantity("prefill_mean", second, r"t_{p,q}", "time of a request's prefill, on average")
prefill_deviation = quantity("prefill_deviation", second, r"\sigma_{t,p}", "standard deviation of the time of a prefill", sane=(0, 1e9))
decode_left = quantity("decode_left", count, r"u_d", "share of time that prefills leave to decode", sane=(1e-9, 1))
step_base = quantity("step_base", second, r"t_{(0)}", "time of a decode step that does not depend on how many sequences are in it", sane=(0, 1e9))
step_slope = quantity("step_slope", second, r"t_{(1)}", "time that each sequence adds to a decode step")
sharing = quantity("sharing", count, r"\rho_d", "decode work that comes per second over what can be done with ever more in service", sane=(1e-9, 1))
in_service = quantity("in_service", count, r"n_d", "sequences that a group decodes at once", sane=(0, 1e9))
mean_in_service = quantity("mean_in_service", count, r"\bar n_d", "sequences that a group decodes at once, on average", sane=(0, 1e9))
token_gap = quantity("token_gap", second, r"t_\mathrm{tpot}", "time between two tokens of a request, on average, prefills of others counted")
chance_here = quantity("chance_here", count, r"\pi_n", "share of time with so many sequences in service")
chance_above = quantity("chance_above", count, r"\pi_{n+1}", "share of time with one sequence more in service")
clump_mean = quantity("clump_mean", count, r"\bar m_q", "requests whose prefills follow one another, on average", sane=(1, 1e9))
clump_variance = quantity("clump_variance", count, r"\sigma_q^2", "variance of the number of requests whose prefills follow one another", sane=(0, 1e18))
clump_spread = quantity("clump_spread", count, r"c_q^2", "mean square over the mean of the requests whose prefills follow one another", sane=(1, 1e18))
clump = quantity("clump", count, r"B_q", "requests that a token finds to have joined with its own, itself counted, beyond those that time finds", sane=(1, 1e9))
vacation = quantity("vacation", second, r"t_\mathrm{vac}", "time of the decode step for which prefills wait")
cycle = quantity("cycle", second, r"t_C", "time from one end of a decode step to the next, prefills counted, on average")
cycle_square = quantity("cycle_square", second**2, r"\overline{t_C^2}", "mean square of that time")
first_wait = quantity("first_wait", second, r"t_\mathrm{queue}", "time from a request's arrival until its prefill begins, on average", sane=(0, 1e9))
servers = quantity("servers", count, r"n_{c,q}", "groups that take from one queue, or share their requests evenly", integer=True, sane=(1, 1e7))
chance_busy = quantity("chance_busy", count, r"P_w", "chance that all groups of a pool are busy: Erlang's C", sane=(0, 1))
arrival_spread = quantity("arrival_spread", count, r"c_a^2", "variance over squared mean of the time between arrivals: 1 where they are at random", sane=(0, 1e6))
service_spread = quantity("service_spread", count, r"c_s^2", "variance over squared mean of the time of a prefill", sane=(0, 1e6))
