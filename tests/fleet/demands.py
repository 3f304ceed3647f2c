"""Demands of the tests: small ones, stated as a file would state them."""

from steptime.model.api.fleet_demand import demand_of

CHAT = {"name": "chat", "model": "llama-3.1-8b", "rate": "60 /s", "prompt": 1000, "output": 250,
        "max_ttft": "500 ms", "max_tpot": "25 ms"}
LONG = {"name": "long", "model": "llama-3.1-8b", "rate": "4 /s", "prompt": [[8000, 0.5], [20000, 0.5]],
        "output": [[100, 0.5], [700, 0.5]], "cached": "25%", "max_ttft": "3 s", "max_tpot": "40 ms", "percentile": 90}
HARDWARE = [{"name": "h100-sxm", "price": "2.2 $/h", "sizes": [1, 2, 4]},
            {"name": "a100-sxm-80gb", "price": "1.2 $/h", "sizes": [1, 2, 4]}]


def stated(**changed):
    return {"class": [CHAT, LONG], "hardware": HARDWARE, **changed}


def demand(**changed):
    return demand_of(stated(**changed))
