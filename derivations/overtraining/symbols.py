"""Chapter 4, over-training: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, count, dollar, quantity, second

# fmt: off
rl_tokens = quantity("rl_tokens", count, r"D_\mathrm{RL}", "tokens generated for reinforcement learning", sane=(0.0, 1e20))
rl_flops_per_weight = quantity("rl_flops_per_weight", FLOP, r"c_\mathrm{RL}", "FLOP per weight and token of reinforcement learning: 2 (generated only) to 6 (all trained on)", sane=(1, 10))
serving_rate = quantity("serving_rate", 1 / second, r"r_\mathrm{inf}", "tokens per second that a model serves")
pretraining_work = quantity("pretraining_work", FLOP, r"C_\mathrm{pt}", "FLOP of pre-training in weights")
rl_work = quantity("rl_work", FLOP, r"C_\mathrm{RL}", "FLOP of reinforcement learning in weights, as many as its chips would do at the utilisation of training")
serving_work = quantity("serving_work", FLOP, r"C_\mathrm{inf}", "FLOP of serving in weights, as many as its chips would do at the utilisation of training")
life_work = quantity("life_work", FLOP, r"C_{\mathrm{life}}", "FLOP of pre-training and serving a model, together")
service_life = quantity("service_life", second, r"\tau_\mathrm{inf}", "time until a model is replaced")
over_training = quantity("over_training", count, r"\Omega", "pre-training tokens over those that make training cheapest")
lever = quantity("lever", count, "x", "what two costs depend on, one rising and one falling")
rising_scale = quantity("rising_scale", dollar, "A", "the rising cost where the lever is one")
falling_scale = quantity("falling_scale", dollar, r"A'", "the falling cost where the lever is one")
rising_exponent = quantity("rising_exponent", count, "a", "power with which one cost rises")
falling_exponent = quantity("falling_exponent", count, r"a'", "power with which the other cost falls")
rising_cost = quantity("rising_cost", dollar, r"c_\uparrow", "the cost that rises with the lever")
falling_cost = quantity("falling_cost", dollar, r"c_\downarrow", "the cost that falls with the lever")
total_cost = quantity("total_cost", dollar, r"c_\Sigma", "the cost that rises and the cost that falls, together")
equal_cost_lever = quantity("equal_cost_lever", count, r"x_=", "the lever at which two costs are equal")
least_cost_lever = quantity("least_cost_lever", count, r"x_*", "the lever at which two costs together are least")
equal_cost_penalty = quantity("equal_cost_penalty", count, r"\pi_=", "what two costs sum to where they are equal, over the least")
irreducible_loss = quantity("irreducible_loss", count, r"\mathcal{L}_\infty", "loss, in nats, of unlimited weights and tokens")
loss_price = quantity("loss_price", FLOP, r"\lambda", "FLOP over a model's life per nat of loss that they save")
best_tokens = quantity("best_tokens", count, r"D^*", "tokens of pre-training that make a model's life cheapest at its loss", sane=(1.0, 1e20), relaxed=True)
relative_change = quantity("relative_change", count, r"\varepsilon", "a small relative change")
