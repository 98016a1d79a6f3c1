"""Reads the weights of the served ONNX file: its 8-bit constants as the floats they stand for."""

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from app.core.exceptions import EngineUnavailable

Array = NDArray[np.float32]

# onnxruntime's quantizer names the constants of `X` like this, and its nodes `X_quant`.
_QUANTIZED, _SCALE, _ZERO_POINT = "_quantized", "_scale", "_zero_point"
_HIDDEN_GATES = 4


class Weights:
    """The constants of a graph by the names of the nodes that use them.

    Reads the export that is served (dynamic 8-bit quantization) as well as one in floats.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.model = onnx.load(str(path))
        except (OSError, ValueError) as error:
            raise EngineUnavailable(
                "The speech model cannot be read.", "Run `voice-cloning models verify`."
            ) from error
        self._constants = {item.name: item for item in self.model.graph.initializer}
        self._nodes = {node.name.removesuffix("_quant"): node for node in self.model.graph.node}
        self._makers = {out: node for node in self.model.graph.node for out in node.output}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in self.model.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def __contains__(self, node: str) -> bool:
        return node in self._nodes

    def array(self, name: str) -> Array:
        """A constant by its own name, as floats."""
        if name.endswith(_QUANTIZED):
            base = name.removesuffix(_QUANTIZED)
            return self._dequantized(name, base + _SCALE, base + _ZERO_POINT)
        return numpy_helper.to_array(self._constants[name]).astype(np.float32)

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self.array(name).copy())

    def names(self) -> list[str]:
        return list(self._constants)

    def conv(self, node: str) -> tuple[Tensor, Tensor | None]:
        """Kernel and bias of a convolution (out, in, k), or of a transposed one (in, out, k)."""
        found = self._nodes[node]
        if found.op_type != "ConvInteger":
            bias = self.tensor(found.input[2]) if len(found.input) > 2 else None
            return self.tensor(found.input[1]), bias
        kernel = self._dequantized(
            found.input[1], found.input[1].removesuffix(_QUANTIZED) + _SCALE, found.input[3]
        )
        return torch.from_numpy(kernel), self._conv_bias(found)

    def linear(self, node: str) -> tuple[Tensor, str]:
        """Matrix (in, out) of a fully connected layer, and the name of its bias."""
        found = self._nodes.get(node + "/Gemm_MatMul") or self._nodes[node]
        name = found.input[1]
        if found.op_type == "MatMulInteger":
            matrix = self._dequantized(name, name.removesuffix(_QUANTIZED) + _SCALE, found.input[3])
        else:
            matrix = self.array(name)
        return torch.from_numpy(matrix), self._added_constant(found)

    def lstm(self, node: str) -> torch.nn.LSTM:
        """A bidirectional LSTM with the weights of a node."""
        found = self._nodes[node]
        w, r = (self._lstm_matrix(found, at) for at in (1, 2))
        bias = self.array(found.input[3])
        size = r.shape[2]
        lstm = torch.nn.LSTM(w.shape[2], size, batch_first=True, bidirectional=True)
        gates = _HIDDEN_GATES * size
        with torch.no_grad():
            for side, suffix in enumerate(("", "_reverse")):
                for name, value in (
                    ("weight_ih_l0", w[side]),
                    ("weight_hh_l0", r[side]),
                    ("bias_ih_l0", bias[side][:gates]),
                    ("bias_hh_l0", bias[side][gates:]),
                ):
                    getattr(lstm, name + suffix).copy_(torch.from_numpy(_torch_gates(value)))
        return lstm.requires_grad_(False).eval()

    def _dequantized(self, name: str, scale: str, zero_point: str) -> Array:
        value = numpy_helper.to_array(self._constants[name]).astype(np.float32)
        zero = numpy_helper.to_array(self._constants[zero_point]).astype(np.float32)
        return np.asarray((value - zero) * self.array(scale), np.float32)

    def _lstm_matrix(self, node: onnx.NodeProto, at: int) -> Array:
        """(directions, 4 * hidden, in)"""
        if node.op_type == "LSTM":
            return self.array(node.input[at])
        value = numpy_helper.to_array(self._constants[node.input[at]]).astype(np.float32)
        scale = self.array(node.input[6 + 2 * at]).reshape(2, 1, -1)
        zero = self.array(node.input[7 + 2 * at]).reshape(2, 1, -1)
        return np.ascontiguousarray(((value - zero) * scale).transpose(0, 2, 1))

    def _conv_bias(self, node: onnx.NodeProto) -> Tensor | None:
        """The bias is quantized while the graph runs: follow it back to the constant."""
        (user, *_) = self._users[node.output[0]]
        if user.op_type != "Add":
            return None
        name = next(name for name in user.input if name != node.output[0])
        while name not in self._constants:
            name = self._makers[name].input[0]
        return self.tensor(name).flatten()

    def _added_constant(self, node: onnx.NodeProto) -> str:
        while node.op_type != "Add":
            (node, *_) = self._users[node.output[0]]
        return next(name for name in node.input if name in self._constants)


def _torch_gates(value: Array) -> Array:
    """ONNX orders the gates i, o, f, c; PyTorch i, f, c, o."""
    i, o, f, c = np.split(value, _HIDDEN_GATES)
    return np.concatenate([i, f, c, o])
