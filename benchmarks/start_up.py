"""Medians of whole-process times: how long a person waits for the help and for the first step.

Run with the interpreter of the environment that steptime is installed in: ``python benchmarks/start_up.py [runs]``.
"""

import statistics
import subprocess
import sys
import time

COMMANDS = (
    ["--help"],
    ["step", "llama-3.1-70b", "h100-sxm"],
    ["step", "deepseek-v3", "gb200-nvl72"],
    ["solve", "batch", "deepseek-v3", "gb200-nvl72"],
)


def seconds(arguments: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "steptime.cli", *arguments], capture_output=True, check=True)
    return time.perf_counter() - begun


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for arguments in COMMANDS:
        seconds(arguments)  # a warm-up, not counted
        times = [seconds(arguments) for _ in range(runs)]
        spread = f"{min(times):.2f} to {max(times):.2f}"
        print(f"{statistics.median(times):6.2f} s  ({spread})  steptime {' '.join(arguments)}")


if __name__ == "__main__":
    main()
