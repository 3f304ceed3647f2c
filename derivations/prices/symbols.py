"""Chapter 5, prices and the cache: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import count, dollar, quantity, second

# fmt: off
longest_context = quantity("longest_context", count, r"L_\mathrm{max}", "longest context that a price covers")
upper_price_ratio = quantity("upper_price_ratio", count, r"\pi_L", "price of a token above the step over that below, for a price that steps up", sane=(1, 1e6))
output_price_ratio = quantity("output_price_ratio", count, r"\pi_\mathrm{out}", "price of an output token over that of an input token")
weights_flops_share = quantity("weights_flops_share", count, r"\omega", "share of the weights in all multiply-adds of a token", sane=(0, 1))
kv_layers = quantity("kv_layers", count, r"n_{kv}", "layers that keep a KV cache of their own, of the whole context", integer=True, sane=(1, 1e7))
windowed_layers = quantity("windowed_layers", count, r"n_w", "layers whose KV cache ends at the window", integer=True, sane=(0, 1e7))
query_heads = quantity("query_heads", count, r"n_q", "query heads of a layer", integer=True, sane=(1, 1e7))
kv_heads = quantity("kv_heads", count, r"h_{kv}", "key-value heads of a layer", integer=True, sane=(1, 1e7))
head_dim = quantity("head_dim", count, r"d_h", "width of one head's key", integer=True, sane=(1, 1e7))
value_dim = quantity("value_dim", count, r"d_v", "width of one head's value", integer=True, sane=(1, 1e7))
rope_dim = quantity("rope_dim", count, r"d_r", "width of the rotary key that all heads share", integer=True, sane=(0, 1e7))
kv_rank = quantity("kv_rank", count, r"d_c", "width of the latent that keys and values are compressed to", integer=True, sane=(1, 1e7))
window = quantity("window", count, r"L_w", "tokens of context that a windowed layer keeps at most", integer=True, sane=(1, 1e9))
kv_layer = quantity("kv_layer", count, "l", "place of a layer among those that keep a KV cache", integer=True, sane=(1, 1e7))
kv_head = quantity("kv_head", count, r"j_{\mathrm{kv}}", "place of a key-value head in its layer", integer=True, sane=(1, 1e7))
prompt_place = quantity("prompt_place", count, r"i_T", "place of a token in its prompt", integer=True, sane=(1, 1e9))
hold_cost = quantity("hold_cost", dollar, r"c_h", "dollars to hold one token's KV cache")
read_cost = quantity("read_cost", dollar, r"c_d", "dollars of a tier while one token's KV cache is read out of it")
held_cost = quantity("held_cost", dollar, r"c_k", "dollars to hold one token's KV cache in a tier and bring it back")
pass_time = quantity("pass_time", second, r"t_T", "time of one pass of several tokens of each sequence")
pass_compute_time = quantity("pass_compute_time", second, r"t_{c,T}", "compute term of a pass of several tokens of each sequence")
fetch_cost = quantity("fetch_cost", dollar, r"c_f", "dollars to bring one token's KV cache to the chip")
rematerialise_cost = quantity("rematerialise_cost", dollar, r"c_r", "dollars to compute one token's KV cache again")
cache_price_ratio = quantity("cache_price_ratio", count, r"\pi_c", "cost of computing a token's KV cache again over fetching it")
reuse_hazard = quantity("reuse_hazard", 1 / second, r"\lambda_r", "chance per second that a KV cache is asked for, of one that was not until now")
reuse_survival = quantity("reuse_survival", count, r"s_r", "share not asked for by some age, of the KV caches that ever are", sane=(0, 1))
expected_rate = quantity("expected_rate", dollar / second, r"c_a", "dollars per second that one token's KV cache is expected to cost at some age")
