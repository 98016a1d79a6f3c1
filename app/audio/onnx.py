"""onnxruntime, with its errors made ours: they share no public base but `Exception`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from app.core.exceptions import EngineFailed, EngineUnavailable

_WEIGHTS = "session.model_external_initializers_file_folder_path"


def open_session(
    model: Path | bytes, *, threads: int, keep_memory: bool = True, weights: Path | None = None
) -> ort.InferenceSession:
    """Load a network for the CPU.

    Args:
        model: the file, or what is in it.
        threads: threads of one run.
        keep_memory: keep what a run has allocated for the next one. Faster; but what the longest
            input ever seen needed is never given back.
        weights: folder of the files that hold them, where they are not in the model.

    Raises:
        EngineUnavailable: missing, damaged, or no such model.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = keep_memory
    if weights is not None:
        options.add_session_config_entry(_WEIGHTS, str(weights))
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the only base there is
        raise EngineUnavailable(
            "A model cannot be loaded.", "Run `voice-cloning models verify`."
        ) from error


def run(
    session: ort.InferenceSession,
    feed: Mapping[str, NDArray[Any]],
    options: ort.RunOptions | None = None,
) -> list[NDArray[Any]]:
    """All outputs for these inputs.

    Raises:
        EngineFailed: the run failed.
    """
    try:
        outputs: list[NDArray[Any]] = session.run(None, dict(feed), options)
    except Exception as error:  # the only base there is
        raise EngineFailed("A model failed on its input.") from error
    return outputs
