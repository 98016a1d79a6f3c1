"""Constants of an ONNX file become inputs with a default, values inside it outputs."""

import numpy as np
import onnxruntime as ort
import pytest

from app.engines.kokoro.graph import with_float_inputs, with_int_output

FLOAT = 1


def field(number: int, content: bytes | int) -> bytes:
    """A protobuf field: bytes with their length, or a number."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def value_info(name: bytes, *shape: int) -> bytes:
    dims = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def add_model(constant: np.ndarray, *, padding: int = 0) -> bytes:
    """`y = x + constant`: field numbers of onnx.proto (ModelProto, GraphProto, NodeProto)."""
    shape = constant.shape
    node = field(1, b"x") + field(1, b"constant") + field(2, b"y") + field(4, b"Add")
    tensor = b"".join(field(1, size) for size in shape) + field(2, FLOAT) + field(8, b"constant")
    tensor += field(9, constant.astype("<f4").tobytes())
    graph = field(1, node) + field(2, b"g") + field(5, tensor)
    graph += field(10, b"-" * padding)  # a doc string
    graph += field(11, value_info(b"x", 2)) + field(12, value_info(b"y", 2))
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 17))


def run(model: bytes, **feed: np.ndarray) -> list[float]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.array([1.0, 2.0], np.float32), **feed})
    return [float(value) for value in y]


@pytest.mark.parametrize(
    "constant",
    [np.float32(10.0), np.full(1, 10.0), np.array([10.0, 20.0])],
    ids=["scalar", "one", "two"],
)
@pytest.mark.parametrize("padding", [0, 20_000], ids=["small", "long lengths"])
def test_a_constant_keeps_its_value_unless_it_is_fed(constant, padding):
    constant = np.asarray(constant, np.float32)
    model = add_model(constant, padding=padding)
    opened = with_float_inputs(model, {"constant": constant.shape})
    other = np.full(constant.shape, -1.0, np.float32)

    assert run(opened) == run(model) == [11.0, 2.0 + constant.flat[-1]]
    assert run(opened, constant=other) == [0.0, 1.0]
    assert run(opened) == run(model)  # what was fed does not stay


def test_a_constant_cannot_be_fed_before():
    with pytest.raises(Exception, match="Invalid input name: constant"):
        run(add_model(np.ones(1)), constant=np.zeros(1, np.float32))


def test_a_wrong_shape_is_refused_when_it_is_fed():
    opened = with_float_inputs(add_model(np.ones(1)), {"constant": (1,)})

    with pytest.raises(Exception, match="constant"):
        run(opened, constant=np.zeros(3, np.float32))


def test_nothing_asked_for_changes_nothing():
    model = add_model(np.ones(1))

    assert run(with_float_inputs(model, {})) == run(model)


def rounded_model() -> bytes:
    """`y = x + x`, and besides, unseen, `inner = int64(x)`."""
    doubled = field(1, b"x") + field(1, b"x") + field(2, b"y") + field(4, b"Add")
    to = field(1, b"to") + field(3, 7) + field(20, 2)  # INT64, of the attribute type INT
    whole = field(1, b"x") + field(2, b"inner") + field(4, b"Cast") + field(5, to)
    graph = field(1, doubled) + field(1, whole) + field(2, b"g")
    graph += field(11, value_info(b"x", 2)) + field(12, value_info(b"y", 2))
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 17))


def test_a_value_inside_is_one_more_output():
    session = ort.InferenceSession(
        with_int_output(rounded_model(), "inner"), providers=["CPUExecutionProvider"]
    )

    y, inner = session.run(None, {"x": np.array([1.5, 2.5], np.float32)})

    assert y.tolist() == [3.0, 5.0]
    assert inner.dtype == np.int64
    assert inner.tolist() == [1, 2]
