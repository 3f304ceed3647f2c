"""Quantities of economics: jobs that fail, watts of a chip and of a site, a network as it is bought."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, byte, count, dollar, joule, quantity, second
from steptime.model.symbols import OPTIONAL, RATES

# fmt: off
# --- jobs that fail --------------------------------------------------------------------------------------------------
chip_failure_interval = quantity("chip_failure_interval", second, r"M_1", "mean time between failures of one chip, and of all that fails with it")
failure_interval = quantity("failure_interval", second, r"M_f", "mean time between failures that stop a job")
checkpoint_stall = quantity("checkpoint_stall", second, r"\delta_c", "time for which a checkpoint holds up a job", sane=(1e-9, 1e9))
restart_time = quantity("restart_time", second, r"t_R", "time from a failure until a job works on from its last checkpoint", sane=OPTIONAL)
checkpoint_interval = quantity("checkpoint_interval", second, r"\tau_c", "work between two checkpoints, what they stall not counted")
attempt_time = quantity("attempt_time", second, r"t_\mathrm{try}", "time until an interval of work is through or a failure stops it, on average")
interval_time = quantity("interval_time", second, r"t_\tau", "time until an interval of work and its checkpoint are through, failures and restarts included, on average")
slowdown = quantity("slowdown", count, r"s_f", "time that a job takes over the work in it that is kept", sane=(1e-9, 1e30))

# --- watts of a chip and of a site -----------------------------------------------------------------------------------
idle_power = quantity("idle_power", joule / second, r"P_\mathrm{idle}", "watts that one chip draws whatever it does", sane=OPTIONAL)
byte_energy = quantity("byte_energy", joule / byte, r"e_W", "joules for one byte of memory traffic")
drawn_power = quantity("drawn_power", joule / second, r"P_\mathrm{chip}", "watts that one chip draws in a step, on average")
step_energy = quantity("step_energy", joule, r"E_\mathrm{step}", "joules of one chip in a step")
intensity = quantity("intensity", FLOP / byte, r"y_a", "FLOP for each byte of memory traffic")
clock = quantity("clock", count, r"f_c", "clock of a chip over that of its peak", sane=(1e-6, 1e6))
site_power = quantity("site_power", joule / second, r"P_\mathrm{site}", "watts that a site may draw")
power_usage = quantity("power_usage", count, r"\rho_\mathrm{PUE}", "watts of a site over those of its machines (PUE)", sane=(1, 100))

# --- a network as it is bought ---------------------------------------------------------------------------------------
radix = quantity("radix", count, r"k_p", "ports of a switch", integer=True, sane=(2, 1e5))
fabric_hosts = quantity("fabric_hosts", count, r"n_h", "ports that a network of switches offers to chips", sane=(1e-6, 1e9))
fabric_tiers = quantity("fabric_tiers", count, r"n_\mathrm{tier}", "tiers of switches between two chips that are furthest apart, counted upwards", sane=(1, 10))
oversubscription = quantity("oversubscription", count, r"s_o", "bandwidth of a leaf switch towards chips over that towards other switches", sane=(1, 1e4))
port_bandwidth = quantity("port_bandwidth", byte / second, r"I_p", "bandwidth of one port of a switch, one direction", sane=RATES)
switch_price = quantity("switch_price", dollar, r"c_S", "dollars of one switch", sane=OPTIONAL)
nic_price = quantity("nic_price", dollar, r"c_N", "dollars of the network interface of one port of a chip", sane=OPTIONAL)
cable_price = quantity("cable_price", dollar, r"c_K", "dollars of the cable from a chip to its leaf switch, with its ends", sane=OPTIONAL)
fibre_price = quantity("fibre_price", dollar, r"c_\phi", "dollars of the fibre of one link between switches", sane=OPTIONAL)
transceiver_price = quantity("transceiver_price", dollar, r"c_T", "dollars of one optical transceiver, two for each link between switches", sane=OPTIONAL)
transceiver_power = quantity("transceiver_power", joule / second, r"P_T", "watts of one optical transceiver", sane=OPTIONAL)
