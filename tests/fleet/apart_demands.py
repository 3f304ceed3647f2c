"""A demand in which attention and experts apart pay: attention where memory is cheap, experts where FLOP are."""

CHAT = {"name": "chat", "model": "mixtral-8x22b", "rate": "1500 /s", "prompt": 600, "output": 160,
        "max_ttft": "2 s", "max_tpot": "150 ms"}
HARDWARE = [{"name": "h20", "price": "1.2 $/h", "sizes": [1, 2, 4, 8]},
            {"name": "h100-sxm", "price": "2.2 $/h", "sizes": [2, 4, 8]}]


def stated(**changed):
    return {"class": [CHAT], "hardware": HARDWARE, **changed}
