"""Files of others: whatever they ask for, they are data, and nothing in them is called."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_showcase.errors import CheckpointError
from recbole_showcase.integration.checkpoint import load_checkpoint
from recbole_showcase.integration.rebuild import _BUILDERS, _MAPPINGS

# One name for each function that makes data of what is read.
NAMES = list({function: name for name, function in {**_BUILDERS, **_MAPPINGS}.items()}.values())


class Call:
    """Calls something when it is unpickled, and sets a state if there is one."""

    def __init__(self, function: Any, *args: Any, state: Any = None) -> None:
        self.function, self.args, self.state = function, args, state

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args, self.state


class Thing:
    """Of some module of somebody's own."""

    def __init__(self, value: int) -> None:
        self.value = value


def archive(path: Path, program: bytes) -> Path:
    """A file of ``torch.save`` with another pickle in it."""
    torch.save({"config": torch.zeros(2)}, path)
    with zipfile.ZipFile(path) as read:
        members = {name: read.read(name) for name in read.namelist()}
    with zipfile.ZipFile(path, "w") as write:
        for name, content in members.items():
            write.writestr(name, program if name.endswith("data.pkl") else content)
    return path


def text(value: str) -> bytes:
    """The operation that puts a string on the stack."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


def touch(marker: Path) -> bytes:
    """The operations that call ``os.system``."""
    return named("posix", "system") + text(f"touch {marker}") + b"\x85R"


def instance(module: str, name: str, args: bytes) -> dict[str, bytes]:
    """A name with arguments, in each way a pickle has of making an instance of it."""
    call = named(module, name) + b"(" + args + b"t"
    return {
        "reduce": call + b"R",
        "new": call + b"\x81",
        "new with names": call + b"}" + text("x") + b"Ns\x92",
        "object": b"(" + named(module, name) + args + b"o",
        "inst": b"(" + args + f"i{module}\n{name}\n".encode(),
        "twice": call + b"R)R",
    }


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("place", ["config", "state_dict", "other_parameter", "anything"])
def test_no_protocol_runs_code(tmp_path: Path, protocol: int, place: str) -> None:
    marker = tmp_path / "ran"
    bomb = Call(os.system, f"touch {marker}")
    for value in (bomb, [bomb], {"a": (bomb,)}, {1: {bomb.args[0]: bomb}}):
        state = {"config": {}, "state_dict": {}, place: value}
        path = archive(tmp_path / "model.pth", pickle.dumps(state, protocol))
        with pytest.raises(CheckpointError, match="system"):
            load_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(("module", "name"), NAMES, ids=map(".".join, NAMES))
def test_admitted_names_take_no_surprises(tmp_path: Path, module: str, name: str) -> None:
    """Each name in each way, with hostile arguments, states, items and elements."""
    marker = tmp_path / "ran"
    bomb = touch(marker)
    states = (bomb, b"}" + text("__class__") + bomb + b"s", b"(K\x01" + b"N" * 5 + b"t", b"]", b"N")
    for args in (b"", bomb, b"N", text("O") + b"\x89\x88", text("os.system") + bomb):
        for made in instance(module, name, args).values():
            for state in states:
                program = b"\x80\x04}" + text("state_dict") + made + state + b"b" + b"s."
                data_or_refused(archive(tmp_path / "model.pth", program))
            for more in (
                bomb + b"a",
                b"(" + bomb + b"e",
                text("k") + bomb + b"s",
                b"(Nu",
                b"(N\x90",
            ):
                program = b"\x80\x04}" + text("state_dict") + made + more + b"s."
                data_or_refused(archive(tmp_path / "model.pth", program))
    assert not marker.exists()
    assert np.dtype("f8").isnative and isinstance(torch.Size([2]), tuple)


def data_or_refused(path: Path) -> None:
    try:
        state = load_checkpoint(path)
    except CheckpointError as error:
        assert str(path) in str(error)
    else:
        assert "Placeholder" not in repr(type(state["state_dict"]))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(named("recbole.config", "os.path.join"), id="dotted"),
        pytest.param(named("builtins", "eval") + text("1/0") + b"\x85R", id="eval"),
        pytest.param(named("builtins", "getattr") + text("a") + b"\x85R", id="getattr"),
        pytest.param(named("torch", "load") + text("/x") + b"\x85R", id="load"),
        pytest.param(named("torch.serialization", "load"), id="bare"),
        pytest.param(named("numpy", "dtype") + text("O") + b"\x85R", id="objects"),
        pytest.param(b"\x82\x01", id="extension"),
        pytest.param(b"}}b", id="state of a mapping"),
        pytest.param(b"}" + named("os", "x") + b"\x85R", id="call of a mapping"),
        pytest.param(b"Nq\x00)R", id="call of nothing"),
        pytest.param(b"(" + text("storage") + b"t" + b"Q", id="no storage"),
        pytest.param(named("collections", "OrderedDict") + b"NR", id="no arguments"),
        pytest.param(b"\x97", id="buffer"),
        pytest.param(b"Pabc\n", id="text storage"),
    ],
)
def test_other_requests_are_refused(tmp_path: Path, program: bytes) -> None:
    path = archive(tmp_path / "m", b"\x80\x04}" + text("state_dict") + program + b"s.")
    with pytest.raises(CheckpointError, match="refused"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("length", "size", "stride", "offset"),
    [
        (8, (8,), (1,), 0),
        (2, (3,), (1,), 0),
        (2, (2,), (5,), 0),
        (2, (1,), (1,), 9),
        (2, (1,), (1,), -1),
        (2, (2,), (1, 1), 0),
    ],
)
def test_tensors_stay_inside_their_storage(
    tmp_path: Path, length: int, size: Any, stride: Any, offset: int
) -> None:
    class Named:
        persistent = ("storage", torch.FloatStorage, "0", "cpu", length)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return value.persistent if isinstance(value, Named) else None

    tensor = Call(torch._utils._rebuild_tensor_v2, Named(), offset, size, stride, False, {})
    buffer = io.BytesIO()
    Pickler(buffer, 4).dump({"state_dict": {"w": tensor}})
    with pytest.raises(CheckpointError, match=r"its (storage '0'|state_dict)"):
        load_checkpoint(archive(tmp_path / "m", buffer.getvalue()))


def kept(value: Any, path: Path, protocol: int) -> Any:
    torch.save({"other_parameter": {"x": value}}, path, pickle_protocol=protocol)
    return load_checkpoint(path)["other_parameter"]["x"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_data_come_back(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "m"
    arrays = [np.arange(6.0).reshape(2, 3).T, np.array([], ">i4"), np.zeros((2, 0)),
              np.eye(2, dtype=">f4"), np.array(["a", "bc"]), np.array(3),
              np.array([True]), np.array([1j])]  # fmt: skip
    for array in arrays:
        back = kept(array, path, protocol)
        assert back.dtype == array.dtype and type(back) is np.ndarray
        np.testing.assert_array_equal(back, array)
    assert type(kept(np.asmatrix(np.eye(2)), path, protocol)) is np.matrix
    for value in (np.float32(0.5), np.int64(3), np.bool_(True), np.str_("a")):
        back = kept(value, path, protocol)
        assert type(back) is type(value) and back == value
    for value in (b"\xff\x00", bytearray(b"a\xfe"), {1, 2}, frozenset("a"), 1j, None, b"",
                  torch.Size([2]), torch.device("cpu"), torch.float16, Path("a/b"), 2**80,
                  (1, [2.5, {"a": None}])):  # fmt: skip
        back = kept(value, path, protocol)
        assert type(back) is type(value) and back == value
    assert kept(collections.defaultdict(list, {1: [2]}), path, protocol) == {1: [2]}
    ordered = collections.OrderedDict([("b", 1), ("a", 2)])
    assert list(kept(ordered, path, protocol)) == ["b", "a"]


@pytest.mark.parametrize("protocol", [2, 4])
def test_tensors_come_back(tmp_path: Path, protocol: int) -> None:
    path, eye = tmp_path / "m", torch.eye(3)
    marked = torch.ones(2)
    marked.note = "mine"  # type: ignore[attr-defined]
    parameter = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    for value in (eye[:, 1], eye.t()[1:], torch.ones(2, requires_grad=True), parameter,
                  marked, torch.ones(()), torch.tensor([1, 2], dtype=torch.uint16),
                  torch.zeros(0, 3), eye.to(torch.complex64).conj(), eye.half(),
                  torch.tensor([True])):  # fmt: skip
        back = kept(value, path, protocol)
        assert torch.equal(back.resolve_conj(), value.resolve_conj())
        assert back.requires_grad == value.requires_grad and type(back) is type(value)
    for sparse in (eye.to_sparse(), eye.to_sparse_csr(), eye.to_sparse_csc()):
        back = kept(sparse, path, protocol)
        assert back.layout == sparse.layout and torch.equal(back.to_dense(), eye)
    first, second = kept([eye, eye[0]], path, protocol)
    first[0, 0] = 7
    assert second[0] == 7  # still one storage


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("form", ["bsr", "coo", "csc", "csr", "dia", "lil"])
def test_sparse_matrices_come_back(tmp_path: Path, form: str, protocol: int) -> None:
    dense = np.array([[0, 1.5, 0], [0, 0, 0], [2, 0, 3]], dtype=np.float32)
    for kind in ("matrix", "array"):
        matrix = getattr(sp, f"{form}_{kind}")(dense)
        back = kept(matrix, tmp_path / "m", protocol)
        assert type(back) is type(matrix) and back.dtype == matrix.dtype
        np.testing.assert_array_equal(back.toarray(), dense)
        if form == "csr":
            matrix.indices[0] = 70
            with pytest.raises(
                CheckpointError, match=rf"its other_parameter\['x'\] is no .*csr_{kind}"
            ):
                kept(matrix, tmp_path / "m", protocol)


def test_modules_are_left_out_and_other_objects_named(tmp_path: Path) -> None:
    path = tmp_path / "m"
    torch.save(
        {"other_parameter": {"layer": torch.nn.Linear(2, 2), "kind": torch.nn.ReLU, "k": 3}}, path
    )
    assert load_checkpoint(path)["other_parameter"] == {"k": 3}
    for place in ("other_parameter", "state_dict"):
        torch.save({place: {"k": [Thing(1)]}}, path)
        with pytest.raises(
            CheckpointError, match=rf"its {place}\['k'\]\[0\] is a .*Thing.*safe_globals.*trusted"
        ):
            load_checkpoint(path)


def test_both_ways_out_work(tmp_path: Path) -> None:
    path = tmp_path / "m"
    torch.save({"other_parameter": {"k": [Thing(1)]}}, path, pickle_protocol=4)
    with torch.serialization.safe_globals([Thing]):
        assert load_checkpoint(path)["other_parameter"]["k"][0].value == 1
    assert load_checkpoint(path, trusted=True)["other_parameter"]["k"][0].value == 1
    with pytest.raises(CheckpointError, match="Thing"):
        load_checkpoint(path)
    with torch.serialization.safe_globals([(Thing, f"{__name__}.Thing")]):
        assert load_checkpoint(path)["other_parameter"]["k"][0].value == 1
