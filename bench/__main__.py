"""Benchmarks: all in short, or one, e.g. `python -m bench voice --help`."""

import sys
from collections.abc import Callable

from bench import (
    abuse,
    audit,
    batches,
    c2pa,
    consents,
    database,
    first_byte,
    frontend,
    identify,
    jobs,
    lexicons,
    limits,
    load,
    revocation,
    robustness,
    speed,
    spoken,
    step,
    streams,
    telemetry,
    thresholds,
    training,
    voice,
    watermark,
)

BENCHMARKS: dict[str, Callable[[list[str]], None]] = {
    "speed": lambda _: speed.main(),
    "voice": voice.main,
    "robustness": robustness.main,
    "limits": lambda _: limits.main(),
    "step": lambda _: step.main(),
    "streams": lambda _: streams.main(),
    "thresholds": lambda _: thresholds.main(),
    "audit": lambda _: audit.main(),
    "database": lambda _: database.main(),
    "jobs": lambda _: jobs.main(),
    "lexicons": lambda _: lexicons.main(),
    "load": load.main,
    "batches": lambda _: batches.main(),
    "c2pa": lambda _: c2pa.main(),
    "training": training.main,
    "frontend": lambda _: frontend.main(),
    "spoken": spoken.main,
    "watermark": watermark.main,
    "consents": consents.main,
    "revocation": lambda _: revocation.main(),
    "abuse": lambda _: abuse.main(),
    "identify": identify.main,
    "telemetry": lambda _: telemetry.main(),
    "first-byte": first_byte.main,
}
IN_SHORT = {"speed": [], "voice": ["--only", "instant"], "thresholds": []}


def main() -> None:
    name, options = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("all", [])
    if name == "all":
        for title, few in IN_SHORT.items():
            print(f"\n{title}\n")
            BENCHMARKS[title](few)
    elif name in BENCHMARKS:
        BENCHMARKS[name](options)
    else:
        raise SystemExit(f"No benchmark {name!r}: {', '.join(BENCHMARKS)}.")


if __name__ == "__main__":
    main()
