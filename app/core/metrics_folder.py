"""The folder through which several server processes count together.

prometheus-client looks at the variable when it is imported, so nothing here imports it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_FILES = "*.db"


def open_folder() -> Path | None:
    """An empty folder, in the environment, where the processes to come find it.

    Returns:
        the folder if it was made here, to be removed in the end; None if the variable named one.
    """
    named = os.environ.get(FOLDER)
    if not named:
        made = Path(tempfile.mkdtemp(prefix="voice-cloning-metrics-"))
        os.environ[FOLDER] = str(made)
        return made
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(_FILES):  # of an earlier run, whose processes are gone
        left.unlink(missing_ok=True)
    return None


def close_folder(made: Path | None) -> None:
    """Remove what `open_folder` made."""
    if made is not None:
        os.environ.pop(FOLDER, None)
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def shared_folder(processes: int) -> Iterator[None]:
    """The folder exists meanwhile, if there are several processes."""
    made = open_folder() if processes > 1 else None
    try:
        yield
    finally:
        close_folder(made)
