"""Chapter 17, reinforcement learning: quantities that only its derivations speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import count, quantity, second

# fmt: off
answers_drawn = quantity("answers_drawn", count, r"b_R", "answers that are drawn together in one step of reinforcement learning", integer=True, sane=(1, 1e9), relaxed=True)
mean_answer = quantity("mean_answer", count, r"\bar L_R", "tokens of an answer, on average", sane=(1, 1e9))
median_answer = quantity("median_answer", count, r"\tilde L_R", "tokens than which half of the answers are longer", sane=(1, 1e9))
longest_answer = quantity("longest_answer", count, r"L_{R,\max}", "tokens of the longest answer of a rollout, on average", sane=(1, 1e12))
harmonic_number = quantity("harmonic_number", count, r"\mathcal{H}_b", "harmonic number of the answers, 1 + 1/2 + ... + 1/b: about ln b + 0.577", sane=(1, 1e3))
answer_spread = quantity("answer_spread", count, r"\sigma_\ell", "standard deviation of the logarithm of an answer's length", sane=(1e-9, 1e2))
rollout_time = quantity("rollout_time", second, r"t_\mathrm{ro}", "time until the last answer of a rollout has ended")
refilled_time = quantity("refilled_time", second, r"t_{R,0}", "time for as many tokens where an answer that ends is replaced at once")
straggling = quantity("straggling", count, r"\rho_R", "time of a rollout over that with every place refilled at once", sane=(1e-9, 1e9))
scoring_passes = quantity("scoring_passes", count, r"s_R", "forward passes by which an answer is scored, as multiply-adds over those of the model: reference, reward, value", sane=(0, 1e3))
generation_efficiency = quantity("generation_efficiency", count, r"\eta_R", "utilisation of chips that draw answers over that of chips that train", sane=(1e-9, 1e3))
generating_chips = quantity("generating_chips", count, r"n_\mathrm{gen}", "chips that draw answers", sane=(1e-6, 1e9))
training_chips = quantity("training_chips", count, r"n_T", "chips that score and train", sane=(1e-6, 1e9))
generating_time = quantity("generating_time", second, r"t_{R,n}", "time in which so many chips draw the answers of a step")
training_step_time = quantity("training_step_time", second, r"t_{T,n}", "time in which so many chips score the answers of a step and train on them")
chips_to_trainers = quantity("chips_to_trainers", count, r"r_R", "chips that draw answers for each that trains")
rollout_tokens = quantity("rollout_tokens", count, r"T_R", "tokens that are drawn in one step, and trained on", sane=(1, 1e15))
trainer_utilisation = quantity("trainer_utilisation", count, r"u_T", "useful FLOP/s over peak of chips that train", sane=(1e-6, 1))
generation_share = quantity("generation_share", count, r"\varphi_R", "share of the chip-seconds of a step that drawing answers takes", sane=(0, 1))
answers_in_flight = quantity("answers_in_flight", count, r"n_{q,R}", "answers that are being drawn, or wait to be trained on", sane=(1e-6, 1e12))
answer_rate = quantity("answer_rate", 1 / second, r"\lambda_R", "answers a second that are begun, and trained on")
answer_age = quantity("answer_age", second, r"\tau_R", "time from an answer's first token until it has been trained on, on average")
staleness = quantity("staleness", count, r"S_R", "optimizer steps between the weights that began an answer and those that are trained on it, on average", sane=(1e-9, 1e9))
asynchrony_gain = quantity("asynchrony_gain", count, r"\psi_R", "steps a second where drawing and training overlap, over those where they take turns and the longest answer is waited for")
