"""Opens constants of an ONNX file for feeding, without the `onnx` package.

An initializer that is also listed as a graph input is a default that a caller may override (ONNX
IR, "Graphs"). And a protobuf message that is appended to another is merged into it (protobuf
encoding guide, "Last One Wins": embedded messages are merged, repeated fields concatenated). So
inputs are added by appending a `ModelProto` that holds nothing but them.
"""

from collections.abc import Mapping, Sequence

# Field numbers of onnx.proto, and the element type FLOAT.
_MODEL_GRAPH, _GRAPH_INPUT = 7, 11
_INFO_NAME, _INFO_TYPE, _TYPE_TENSOR = 1, 2, 1
_TENSOR_ELEMENT, _TENSOR_SHAPE, _SHAPE_DIM, _DIM_VALUE = 1, 2, 1, 1
_FLOAT = 1


def with_float_inputs(model: bytes, shapes: Mapping[str, Sequence[int]]) -> bytes:
    """The same model with float initializers that may be fed.

    Args:
        model: a serialized `ModelProto` of IR version 4 or later.
        shapes: name of the initializer -> its shape.
    """
    inputs = b"".join(
        _message(_GRAPH_INPUT, _value_info(name, shape)) for name, shape in shapes.items()
    )
    return model + _message(_MODEL_GRAPH, inputs)


def _value_info(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_message(_SHAPE_DIM, _number(_DIM_VALUE, size)) for size in shape)
    tensor = _number(_TENSOR_ELEMENT, _FLOAT) + _message(_TENSOR_SHAPE, dims)
    return _message(_INFO_NAME, name.encode()) + _message(
        _INFO_TYPE, _message(_TYPE_TENSOR, tensor)
    )


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; the high bit says that more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
