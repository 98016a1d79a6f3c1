"""All benchmarks, or those that are named: `python -m bench speed voices thresholds`."""

import sys

from bench import speed, thresholds, voices

BENCHMARKS = {"speed": speed.main, "voices": voices.main, "thresholds": thresholds.main}


def main() -> None:
    for name in sys.argv[1:] or list(BENCHMARKS):
        if name not in BENCHMARKS:
            raise SystemExit(
                f"There is no benchmark {name!r}: choose from {', '.join(BENCHMARKS)}."
            )
        print(f"\n{name}: {BENCHMARKS[name].__doc__ or ''}".rstrip() + "\n")
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
