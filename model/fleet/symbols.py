"""Quantities of fleets: machines A and B beside each other, phases of a request and parts of a layer on their own chips.

Prices are of one chip for one second, rates those of one chip; a chip-second is one chip for one second.
"""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, byte, count, dollar, quantity, second
from steptime.model.symbols import COUNTS, OPTIONAL, RATES

# fmt: off
SHARE = (0.0, 1.0)
LOAD = (1e-6, 1.0)

# --- two machines -----------------------------------------------------------------------------------------------------
price_a = quantity("price_a", dollar / second, r"p_A", "price of one chip of machine A for one second")
price_b = quantity("price_b", dollar / second, r"p_B", "price of one chip of machine B for one second")
rate_a = quantity("rate_a", 1 / second, r"\mu_A", "tokens per second of one chip of machine A")
rate_b = quantity("rate_b", 1 / second, r"\mu_B", "tokens per second of one chip of machine B")
cost_a = quantity("cost_a", dollar, r"c_A", "dollars per token on machine A")
cost_b = quantity("cost_b", dollar, r"c_B", "dollars per token on machine B")
price_ratio = quantity("price_ratio", count, r"\pi_{AB}", "price of a chip of machine A over that of machine B")
cost_relation = quantity("cost_relation", count, r"\gamma_{AB}", "dollars per token on machine A over those on machine B")
size_a = quantity("size_a", count, r"s_A", "chips of machine A that are bought together", integer=True, sane=COUNTS)
size_b = quantity("size_b", count, r"s_B", "chips of machine B that are bought together", integer=True, sane=COUNTS)
demanded_rate = quantity("demanded_rate", 1 / second, r"\lambda_d", "tokens per second that a fleet must serve")
bandwidth_a = quantity("bandwidth_a", byte / second, r"W_A", "memory bandwidth of a chip of machine A", sane=RATES)
bandwidth_b = quantity("bandwidth_b", byte / second, r"W_B", "memory bandwidth of a chip of machine B", sane=RATES)
peak_a = quantity("peak_a", FLOP / second, r"F_A", "peak of a chip of machine A", sane=RATES)
peak_b = quantity("peak_b", FLOP / second, r"F_B", "peak of a chip of machine B", sane=RATES)
link_a = quantity("link_a", byte / second, r"I_A", "link bandwidth of a chip of machine A, one direction", sane=RATES)
link_b = quantity("link_b", byte / second, r"I_B", "link bandwidth of a chip of machine B, one direction", sane=RATES)
token_bytes = quantity("token_bytes", byte, r"z_1", "bytes that all chips together read and write for one token", sane=(1e-9, 1e30))
token_flops = quantity("token_flops", FLOP, r"a_1", "FLOP of all chips together for one token", sane=(1e-9, 1e30))
token_sent = quantity("token_sent", byte, r"v_1", "bytes that all chips together send for one token", sane=(1e-9, 1e30))

# --- prefill and decode on chips of their own -----------------------------------------------------------------------
prefill_work = quantity("prefill_work", second, r"w_P", "chip-seconds of prefill that a request takes")
decode_work = quantity("decode_work", second, r"w_D", "chip-seconds of decode that a request takes")
prefill_load = quantity("prefill_load", count, r"u_P", "share of their time that chips that prefill may be busy", sane=LOAD)
decode_load = quantity("decode_load", count, r"u_D", "share of their time that chips that decode may be busy", sane=LOAD)
prefill_chips = quantity("prefill_chips", count, r"n_\mathrm{pre}", "chips that prefill", sane=(1e-6, 1e9))
decode_chips = quantity("decode_chips", count, r"n_\mathrm{dec}", "chips that decode", sane=(1e-6, 1e9))
fleet_chips = quantity("fleet_chips", count, r"n_\mathrm{fl}", "chips of a fleet", sane=(1e-6, 1e9))
chips_ratio = quantity("chips_ratio", count, r"\rho_{PD}", "chips that prefill over chips that decode")
balanced_ratio = quantity("balanced_ratio", count, r"\rho_{PD}^*", "chips that prefill over chips that decode at which neither phase waits for the other")
served_requests = quantity("served_requests", 1 / second, r"r_\mathrm{fl}", "requests per second that a fleet serves")
most_requests = quantity("most_requests", 1 / second, r"r_\mathrm{fl}^*", "requests per second that as many chips serve at the best ratio")
request_interval = quantity("request_interval", second, r"\tau_q", "time between two requests that a fleet serves")
kept_share = quantity("kept_share", count, r"\sigma_{PD}", "requests per second over those at the best ratio of as many chips", sane=SHARE)
hand_bandwidth = quantity("hand_bandwidth", byte / second, r"I_h", "bandwidth at which a chip that prefills hands over caches, one direction", sane=RATES)
prompt_time = quantity("prompt_time", second, r"t_P", "time of the prefill of one prompt")
prompt_rate = quantity("prompt_rate", 1 / second, r"r_P", "tokens per second of the prefill of one prompt")
handed_after = quantity("handed_after", second, r"t_\kappa", "time from the start of a prefill until its whole cache is handed over")
exposed_time = quantity("exposed_time", second, r"\Delta_\kappa", "time that handing over a cache adds to that of the first token")

# --- several demands --------------------------------------------------------------------------------------------------
demand_one = quantity("demand_one", 1 / second, r"\lambda_1", "requests per second of the first class")
demand_two = quantity("demand_two", 1 / second, r"\lambda_2", "requests per second of the second class")
rate_a_one = quantity("rate_a_one", 1 / second, r"\mu_{A1}", "requests per second of the first class that one chip of machine A serves")
rate_a_two = quantity("rate_a_two", 1 / second, r"\mu_{A2}", "requests per second of the second class that one chip of machine A serves")
rate_b_one = quantity("rate_b_one", 1 / second, r"\mu_{B1}", "requests per second of the first class that one chip of machine B serves")
rate_b_two = quantity("rate_b_two", 1 / second, r"\mu_{B2}", "requests per second of the second class that one chip of machine B serves")
request_value = quantity("request_value", dollar, r"y_1", "what one request more costs: the marginal price of its class")
share_one = quantity("share_one", count, r"\sigma_1", "share of the first class that machine A serves", sane=SHARE)
share_two = quantity("share_two", count, r"\sigma_2", "share of the second class that machine A serves", sane=SHARE)
fleet_cost = quantity("fleet_cost", dollar / second, r"C_F", "dollars per second of a fleet")
other_cost = quantity("other_cost", dollar / second, r"C_F'", "dollars per second of another fleet that serves the same")
mix_excess = quantity("mix_excess", dollar / second, r"\Delta_F", "dollars per second that a fleet costs beyond the cheapest", sane=OPTIONAL)
mix_saving = quantity("mix_saving", dollar / second, r"\Delta_M", "dollars per second that a mix of machines saves against one machine for all")

# --- attention and experts on chips of their own ----------------------------------------------------------------------
attention_time = quantity("attention_time", second, r"t_\mathrm{att}", "time of attention for one micro-batch in one layer, on its own chips", sane=(0, 1e30))
expert_time = quantity("expert_time", second, r"t_\mathrm{exp}", "time of the experts for one micro-batch in one layer, on their own chips", sane=(0, 1e30))
passing_time = quantity("passing_time", second, r"t_\mathrm{pass}", "time in which what one micro-batch sends passes from attention to experts, or back", sane=(0, 1e30))
layer_round = quantity("layer_round", second, r"t_\mathrm{rd}", "time of one micro-batch through one layer, there and back, waiting for nothing")
slower_time = quantity("slower_time", second, r"t_\mathrm{slow}", "time of one micro-batch in one layer on whatever takes longest of those that work on one at a time")
returns = quantity("returns", count, r"k_\mathrm{rd}", "times that a chain of operations, each of which waits for the one before, goes back from experts to attention", sane=(0, 1e7))
apart_time = quantity("apart_time", second, r"t_\mathrm{apart}", "time of all micro-batches through all layers, attention and experts apart")
layer_interval = quantity("layer_interval", second, r"\tau_L", "time between two micro-batches in one layer, attention and experts apart, where neither waits")
attention_work = quantity("attention_work", second, r"w_\mathrm{att}", "chip-seconds of attention for one micro-batch in one layer")
experts_work = quantity("experts_work", second, r"w_\mathrm{exp}", "chip-seconds of the experts for one micro-batch in one layer")
together_work = quantity("together_work", second, r"w_\mathrm{both}", "chip-seconds for one micro-batch in one layer where every chip does both")
attention_chips = quantity("attention_chips", count, r"n_\mathrm{att}", "chips for attention", sane=(1e-6, 1e9))
expert_chips = quantity("expert_chips", count, r"n_\mathrm{exp}", "chips for experts", sane=(1e-6, 1e9))
price_both = quantity("price_both", dollar / second, r"p_C", "price of one chip for one second of a machine that does both")
layer_cost = quantity("layer_cost", dollar, r"c_\mathrm{apart}", "dollars for one micro-batch in one layer, attention and experts apart")
together_cost = quantity("together_cost", dollar, r"c_\mathrm{both}", "dollars for one micro-batch in one layer, every chip doing both")

# --- whole groups and spare ones --------------------------------------------------------------------------------------
needed_groups = quantity("needed_groups", count, r"x_g", "groups of chips that serve a demand, whole or not", sane=(1e-9, 1e9))
whole_groups = quantity("whole_groups", count, r"n_g^\uparrow", "groups of chips that are bought: whole ones", integer=True, sane=COUNTS)
needed_chips = quantity("needed_chips", count, r"n_\lambda", "chips that serve a demand", sane=(1e-6, 1e9))
group_size = quantity("group_size", count, r"s_g", "chips of one group, of which none works without the others", integer=True, sane=COUNTS)
group_price = quantity("group_price", dollar / second, r"p_g", "price of one group for one second; of several kinds the dearest")
spare_factor = quantity("spare_factor", count, r"\rho_+", "chips with one spare group over those without")
rounding_cost = quantity("rounding_cost", dollar / second, r"\Delta_\uparrow", "dollars per second that whole groups cost beyond parts of them", sane=OPTIONAL)
groups_in_part = quantity("groups_in_part", count, r"j_\mathrm{part}", "kinds of groups of which an optimum buys some, where parts of groups are sold", sane=(0, 1e9))
fleet_rows = quantity("fleet_rows", count, r"j_\lambda", "demands and limits that a fleet must keep", integer=True, sane=COUNTS)
integrality_gap = quantity("integrality_gap", dollar / second, r"\Delta_\mathrm{int}", "dollars per second by which whole groups are dearer, at most", sane=OPTIONAL)
