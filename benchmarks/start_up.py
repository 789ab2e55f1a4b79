"""Start-up: the command's help and the bare import, the median of several fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 9
CASES = {
    "conformance --help": (
        [sys.executable, "-m", "conformance", "--help"],
        0.4,
    ),
    "import conformance": ([sys.executable, "-c", "import conformance"], 0.1),
    "(python alone)": ([sys.executable, "-c", "pass"], None),
}


def main() -> None:
    for name, (command, bar) in CASES.items():
        seconds = []
        for _ in range(RUNS):
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - began)
        told = "" if bar is None else f" (bar {bar} s)"
        print(f"{name}: median {statistics.median(seconds):.3f} s, best {min(seconds):.3f}{told}")


if __name__ == "__main__":
    main()
