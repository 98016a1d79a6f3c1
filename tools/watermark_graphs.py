"""Writes the graphs of the watermark (app/watermark/*.onnx), a few kB each: their weights stay in
the published checkpoint, where onnxruntime reads them at the offsets that stand in the graphs.

    python tools/watermark_graphs.py [FOLDER OF THE MODELS]

The checkpoint is that of resemble-perth 1.0.1 (MIT, Resemble AI), which `voice-cloning models pull`
fetches. It is read without running anything in it.
"""

import pickle  # noqa: TID251 - a reader of its own, which makes no objects
import sys
from collections import OrderedDict
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from onnx import TensorProto, helper

CHECKPOINT = "perth-implicit.pth"
INTO = Path(__file__).parents[1] / "app" / "watermark"
LAYERS = 7
BINS = 128
HEADER = 30  # bytes of the local header of a zip member, before its name


class Tensors(pickle.Unpickler):
    """Knows tensors as (number of the storage, shape), and no other objects."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, at, shape, *_: (storage, shape),
            ("collections", "OrderedDict"): OrderedDict,
            ("torch", "FloatStorage"): None,
        }
        return known[module, name]

    def persistent_load(self, pid: Any) -> str:
        return str(pid[2])


class Checkpoint:
    """Where in the file each weight lies."""

    def __init__(self, path: Path) -> None:
        self._raw = path.read_bytes()
        self._zip = ZipFile(path)
        self.weights = Tensors(BytesIO(self._zip.read("archive/data.pkl"))).load()["model"]

    def tensor(self, name: str) -> TensorProto:
        storage, shape = self.weights[name]
        info = self._zip.getinfo(f"archive/data/{storage}")
        at = info.header_offset
        lengths = [int.from_bytes(self._raw[at + i : at + i + 2], "little") for i in (26, 28)]
        place = {
            "location": CHECKPOINT, "offset": at + HEADER + sum(lengths), "length": info.file_size,
        }  # fmt: skip
        tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        return tensor


def graph(checkpoint: Checkpoint, name: str, branches: Iterable[tuple[str, str, str]]) -> bytes:
    """Branches of convolutions: prefix of the weights, name of the input, of the output."""
    nodes, weights, inputs, outputs = [], [], [], []
    for prefix, source, result in branches:
        here = source
        for layer in range(LAYERS):
            last = layer == LAYERS - 1
            names = [f"{prefix}.{layer}.conv.{part}" for part in ("weight", "bias")]
            tensors = [checkpoint.tensor(one) for one in names]
            weights += tensors
            around = tensors[0].dims[2] // 2
            there = result if last else f"{source}{layer}"
            raw = there if last else f"{there}raw"
            nodes.append(helper.make_node("Conv", [here, *names], [raw], pads=[around, around]))
            if not last:
                nodes.append(helper.make_node("LeakyRelu", [raw], [there], alpha=0.01))
            here = there
        frames = f"frames_{source}"
        kind = TensorProto.FLOAT
        inputs.append(helper.make_tensor_value_info(source, kind, [1, BINS, frames]))
        outputs.append(helper.make_tensor_value_info(result, kind, [1, None, frames]))
    made = helper.make_graph(nodes, name, inputs, outputs, weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model.SerializeToString()


def main(models: Path) -> None:
    checkpoint = Checkpoint(models / CHECKPOINT)
    speeds = ("slow", "normal", "fast")
    encoder = [("encoder.layers", "magnitude", "residual")]
    decoder = [(f"decoder.{one}_layers", one, f"{one}_votes") for one in speeds]
    for name, branches in (("encoder", encoder), ("decoder", decoder)):
        (INTO / f"{name}.onnx").write_bytes(graph(checkpoint, name, branches))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/models"))
