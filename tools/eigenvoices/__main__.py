"""`python -m tools.eigenvoices COMMAND DIR`: see the package."""

import argparse
from pathlib import Path

import torch

import tools.eigenvoices
from tools.eigenvoices import export, inverse, material, scoring
from tools.eigenvoices.studio import Studio
from tools.eigenvoices.training import Training


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    studio = Studio(threads=options.threads)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    match options.command:
        case "prepare":
            material.prepare(folder, studio)
        case "train":
            Training(folder, studio, noise=options.noise).run(minutes=options.minutes)
        case "invert":
            inverse.speak_random_styles(folder, studio, options.styles)
            inverse.report(folder)
        case "score":
            scoring.score(folder, studio, limit=options.limit)
        case "export":
            export.export(folder, studio, options.out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tools.eigenvoices",
        description=tools.eigenvoices.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--threads", type=int, default=1)
    commands = parser.add_subparsers(dest="command", required=True)
    made = {}
    for name, help_text in (
        ("prepare", "measure and align the calibration speech, 4 s a speaker"),
        ("train", "train the map; a checkpoint is kept"),
        ("invert", "speak random styles, 1 s each, and regress back"),
        ("score", "compare with the speakers, 15 s a speaker; prints a table"),
        ("export", "write the space, and beside it a .json that says what it is"),
    ):
        made[name] = commands.add_parser(name, help=help_text)
        made[name].add_argument("folder", type=Path, metavar="DIR")
    made["train"].add_argument(
        "--minutes", type=float, required=True, help="of all runs together; one thread"
    )
    made["train"].add_argument(
        "--noise", type=float, default=0.0, help="added to the features, in standard deviations"
    )
    made["invert"].add_argument("--styles", type=int, default=600)
    made["score"].add_argument(
        "--limit", type=int, help="speakers of each kind; default: all that were held out"
    )
    made["export"].add_argument("out", type=Path, metavar="OUT")
    return parser.parse_args()


if __name__ == "__main__":
    main()
