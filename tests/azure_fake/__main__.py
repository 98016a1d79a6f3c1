"""The fakes on ports of loopback, to be used by hand: `python -m tests.azure_fake`. Prints the
settings that point the service at them, as lines of `.env`, and ends on Ctrl-C.

Steps and faults are knobs of the objects in the modules beside this one, for Python alone:
`tests.azure_fake.together.running` gives them.
"""

import json
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from tests.azure_fake.together import running


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as fakes,
    ):
        lines = [
            *(f"{name}={json.dumps(value)}" for name, value in fakes.settings.items()),
            "# Not for .env: to be exported.",
            *(f"# export {name}={value}" for name, value in fakes.environment.items()),
            "",
        ]
        sys.stdout.write("\n".join(lines))
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
