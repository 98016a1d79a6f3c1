"""Checks Dockerfile and the compose files without a container engine.

`make check` installs hadolint and the compose schema, so in CI a missing one is a failure. Where
hadolint has no build for the machine, a developer is told loudly. `docker compose config` is used
where it exists.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

VENV_BIN = str(Path(sys.executable).parent)
COMPOSE_FILES = ("docker-compose.yml", "deploy/compose.production.yml")


def find(tool: str) -> str | None:
    return shutil.which(tool, path=os.pathsep.join([VENV_BIN, os.environ.get("PATH", "")]))


def passes(*command: str) -> bool:
    print("+", " ".join([Path(command[0]).name, *command[1:]]), flush=True)
    return subprocess.run(command, check=False).returncode == 0


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def warn(message: str) -> None:
    print(f"*** NOT CHECKED: {message} ***", file=sys.stderr, flush=True)


def check_dockerfile() -> bool:
    hadolint = find("hadolint")
    if hadolint:
        return passes(hadolint, "Dockerfile")
    warn("Dockerfile: hadolint is not installed")
    return "CI" not in os.environ


def check_compose_schema(file: str) -> bool:
    tool = find("check-jsonschema")
    if tool:
        return passes(tool, "--builtin-schema", "vendor.compose-spec", file)
    warn(f"{file}: check-jsonschema is not installed")
    return False


def check_compose_config(file: str) -> bool:
    """Compose's own reading of the file, which also resolves variables. Needs no engine."""
    for compose in (["docker", "compose"], ["docker-compose"]):
        if find(compose[0]) and succeeds(*compose, "version"):
            return passes(*compose, "--file", file, "config", "--no-interpolate", "--quiet")
    warn(f"{file} by `docker compose config`: no compose here; only its schema was checked")
    return True


def check_build_context() -> bool:
    """What the Dockerfile copies is let through by .dockerignore, which here ignores all else."""
    lines = Path(".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--)(.+) \S+$", Path("Dockerfile").read_text("utf-8"), re.M)
    sources = {source for copy in copies for source in copy.split()}
    for source in sorted(sources - allowed):
        print(f"Dockerfile: .dockerignore keeps {source} from being copied")
    return sources <= allowed


def main() -> int:
    results = [check_dockerfile(), check_build_context()]
    for file in COMPOSE_FILES:
        results += [check_compose_schema(file), check_compose_config(file)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
