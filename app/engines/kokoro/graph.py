"""Opens constants of an ONNX file for feeding and values inside it for reading, without the `onnx`
package.

An initializer that is also listed as a graph input is a default that a caller may override (ONNX
IR, "Graphs"), and any value of the graph may be listed as an output. And a protobuf message that is
appended to another is merged into it (protobuf encoding guide, "Last One Wins": embedded messages
are merged, repeated fields concatenated). So inputs and outputs are added by appending a
`ModelProto` that holds nothing but them.
"""

from collections.abc import Mapping, Sequence

# Field numbers of onnx.proto, and the element types FLOAT and INT64.
_MODEL_GRAPH, _GRAPH_INPUT, _GRAPH_OUTPUT = 7, 11, 12
_INFO_NAME, _INFO_TYPE, _TYPE_TENSOR = 1, 2, 1
_TENSOR_ELEMENT, _TENSOR_SHAPE, _SHAPE_DIM, _DIM_VALUE = 1, 2, 1, 1
_FLOAT, _INT64 = 1, 7


def with_float_inputs(model: bytes, shapes: Mapping[str, Sequence[int]]) -> bytes:
    """The same model with float initializers that may be fed.

    Args:
        model: a serialized `ModelProto` of IR version 4 or later.
        shapes: name of the initializer -> its shape.
    """
    inputs = b"".join(
        _message(_GRAPH_INPUT, _value_info(name, _floats(shape))) for name, shape in shapes.items()
    )
    return model + _message(_MODEL_GRAPH, inputs)


def with_int_output(model: bytes, name: str) -> bytes:
    """The same model with one more output, behind those that it has.

    Args:
        model: a serialized `ModelProto`.
        name: of a value of the graph, int64 of any shape.
    """
    output = _message(_GRAPH_OUTPUT, _value_info(name, _number(_TENSOR_ELEMENT, _INT64)))
    return model + _message(_MODEL_GRAPH, output)


def _floats(shape: Sequence[int]) -> bytes:
    dims = b"".join(_message(_SHAPE_DIM, _number(_DIM_VALUE, size)) for size in shape)
    return _number(_TENSOR_ELEMENT, _FLOAT) + _message(_TENSOR_SHAPE, dims)


def _value_info(name: str, tensor: bytes) -> bytes:
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
