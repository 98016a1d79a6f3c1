"""Benchmarks: all in short, or one, e.g. `python -m bench voice --help`."""

import sys

from bench import database, load, robustness, speed, step, thresholds, voice


def main() -> None:
    name, options = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("all", [])
    match name:
        case "all":
            for title, benchmark in (
                ("speed", speed.main),
                ("voice", lambda: voice.main(["--only", "instant"])),
                ("thresholds", thresholds.main),
            ):
                print(f"\n{title}\n")
                benchmark()
        case "speed":
            speed.main()
        case "voice":
            voice.main(options)
        case "robustness":
            robustness.main(options)
        case "step":
            step.main()
        case "thresholds":
            thresholds.main()
        case "database":
            database.main()
        case "load":
            load.main(options)
        case _:
            raise SystemExit(
                f"No benchmark {name!r}: "
                "speed, step, voice, robustness, thresholds, database, load."
            )


if __name__ == "__main__":
    main()
