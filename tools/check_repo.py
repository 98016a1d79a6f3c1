"""Rules of this repository that no other tool checks.

Prints every finding; exits 1 if there is one. Standard library only. Files are those that git
tracks or would track.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_LONG_FUNCTION_LINES = 60  # with a reason: `# long: ...` on the line of `def`

# Written in parts, so that this file passes its own check.
_REGISTRIES = [
    ("pypi", "org"),
    ("pypi.python", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("deb.debian", "org"),
]
_HOST = re.compile("|".join(rf"\b{re.escape('.'.join(parts))}\b" for parts in _REGISTRIES), re.I)
_MACHINE_PATH = re.compile(r"(?<![\w.)}~*-])/(?:work|root|tmp|opt/wheels|opt/pypi[\w-]*)/")
_UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")
_LINE_RULES = [
    (_HOST, "names the host of a package registry"),
    (_MACHINE_PATH, "names a path of one machine"),
    (_UNFINISHED, "unfinished work: do it, or write it down where work is planned"),
]
_LOCK_RULES = [
    (re.compile(r"://"), "a lock file holds no addresses"),
    (
        re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host|^-[if]\b"),
        "a lock file does not say where packages come from",
    ),
]


def repository_files() -> list[Path]:
    """Files that git tracks, or would after `git add`; those deleted meanwhile are left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = {Path(name) for name in listing.split("\0") if name}
    return sorted(path for path in paths if path.is_file())


def line_findings(path: Path, text: str) -> Iterator[str]:
    rules = _LINE_RULES + (_LOCK_RULES if path.suffix == ".lock" else [])
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, message in rules:
            if pattern.search(line):
                yield f"{path}:{number}: {message}"


def lock_findings(path: Path, text: str) -> Iterator[str]:
    """Every pinned package has a hash, and PyTorch is not among them."""
    for entry in re.split(r"\n(?=\S)", text.strip()):
        name = entry.split("==")[0].strip()
        if "--hash=sha256:" not in entry:
            yield f"{path}: {name} has no hash"
        if name in {"torch", "torchvision", "torchaudio"}:
            yield f"{path}: {name} is not locked: its build depends on the machine"


def size_findings(path: Path, text: str) -> Iterator[str]:
    lines = text.splitlines()
    if len(lines) > MAX_FILE_LINES:
        yield f"{path}: {len(lines)} lines, at most {MAX_FILE_LINES}"
    for node in ast.walk(ast.parse(text, filename=str(path))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        has_reason = re.search(r"# long: \S", lines[node.lineno - 1])
        limit = MAX_LONG_FUNCTION_LINES if has_reason else MAX_FUNCTION_LINES
        if length > limit:
            yield f"{path}:{node.lineno}: {node.name} has {length} lines, at most {limit}"


def findings() -> Iterator[str]:
    for path in repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # audio and model files
        yield from line_findings(path, text)
        if path.suffix == ".lock":
            yield from lock_findings(path, text)
        if path.parts[0] == "app" and path.suffix == ".py":
            yield from size_findings(path, text)


def main() -> int:
    found = list(findings())
    for finding in found:
        print(finding)
    print(f"check_repo: {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
