"""Chapter 15, power and heat: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, count, dollar, joule, quantity, second
from steptime.model.symbols import COUNTS

# fmt: off
capped_flops = quantity("capped_flops", FLOP / second, r"F_P", "FLOP/s of a chip that draws all that a cap allows")
token_energy = quantity("token_energy", joule, r"\varepsilon_t", "joules of one token beside those that a chip draws anyway")
site_chips = quantity("site_chips", count, r"n_P", "chips that a site feeds and cools", sane=(1e-9, 1e9))
site_steps = quantity("site_steps", 1 / second, r"r_\mathrm{site}", "steps of a chip per second on a site")
site_cost = quantity("site_cost", dollar / second, r"C_P", "dollars per second of a site")
site_token_cost = quantity("site_token_cost", dollar, r"c_P", "dollars per token on a site that is short of watts")
raised_token_cost = quantity("raised_token_cost", dollar, r"c_P^+", "the same once the energy of something is raised by some share")
energy_elasticity = quantity("energy_elasticity", count, r"e_P", "share by which a token costs more over the share by which the energy of something rises")
chip_price_rate = quantity("chip_price_rate", dollar / second, r"p_1", "dollars of one chip for one second, electricity apart")
electricity_share = quantity("electricity_share", count, r"\sigma_e", "share of electricity in what a chip costs", sane=(0, 1))
rack_power = quantity("rack_power", joule / second, r"P_\mathrm{rack}", "watts that one rack can be fed and cooled")
reached_racks = quantity("reached_racks", count, r"n_\mathrm{rack}", "racks that cables of a domain reach", integer=True, sane=COUNTS)
domain_chips = quantity("domain_chips", count, r"S_P", "chips of a domain that can be fed, cooled and reached", sane=(1e-9, 1e9))
step_yields = quantity("step_yields", count, r"T_\mathrm{chip}", "tokens that a step of one chip yields", sane=(1e-9, 1e9))
energy_rise = quantity("energy_rise", count, r"\epsilon_P", "share by which an energy is raised")
site_draw = quantity("site_draw", joule / second, r"P_n", "watts that a site draws for its chips and their cooling")
electricity_rate = quantity("electricity_rate", dollar / second, r"p_{e,1}", "dollars of electricity for one chip and its cooling for one second")
cable_reach = quantity("cable_reach", count, r"\ell_c", "length of the longest cable of a domain, in widths of a rack", sane=(1e-6, 1e4))
cable_run = quantity("cable_run", count, r"\ell_0", "length of it that is spent inside racks, in widths of a rack", sane=(0, 1e4))
