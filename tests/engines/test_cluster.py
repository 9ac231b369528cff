"""A cluster of two machines, which share the work of ``explain`` and ``embed``."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from recbole_showcase.encoders import embed_dataset
from recbole_showcase.engines import Engine
from recbole_showcase.errors import DataError, LostWorker, SettingsError
from recbole_showcase.offline import OfflineOptions, write_showcases
from recbole_showcase.offline.folder import ShowcaseFolder
from tests.encoders.conftest import Photographed, make_dataset, micro  # noqa: F401
from tests.engines import hands
from tests.integration.test_checkpoints import train
from tests.offline.folders import content, manifest
from tests.processes import finish_python, free_port
from tests.tiny import TinyWorld

OPTIONS = OfflineOptions(top_k=3, batch=3, part_rows=20)
# A command that is killed when it has so many results: the first argument.
KILLED = """
import os, signal, sys
from recbole_showcase.engines.cluster import RayCrew
left, result = [None] * int(sys.argv.pop(1)), RayCrew._result
def result_or_end(self, ref):
    found = result(self, ref)
    left.pop()
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
RayCrew._result = result_or_end
from recbole_showcase.cli import main
main()
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two machines, as far as ray can tell, with a core each, beside one that only directs."""
    with pytest.MonkeyPatch.context() as patch:
        # A busy machine needs longer to start ray, whose processes let all others go first.
        patch.setenv("RAY_raylet_client_num_connect_attempts", "60")
        patch.setenv("RAY_worker_register_timeout_seconds", "120")
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else ray writes a token into one's home
        from recbole_showcase.integration.ray_tune import import_ray

        import_ray()
        from ray.cluster_utils import Cluster

        small = {"num_cpus": 0, "object_store_memory": 80_000_000, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=small)
        for _ in range(2):
            cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        yield cluster
        cluster.shutdown()


@pytest.fixture
def engine(cluster: Any) -> Engine:
    return Engine("ray", ray_address=cluster.address)


def test_results_errors_and_losses(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recbole_showcase.engines.cluster._RETRIES", 0)
    with engine.crew(hands.Loading(10)) as crew:
        assert list(crew.map(hands.add, range(7))) == [10 + n for n in range(7)]
        found = set(crew.map(hands.process, range(8)))
        assert len({process for process, _ in found}) == 2
        assert {threads for _, threads in found} == {"1"}
        with pytest.raises(DataError, match=r"^three is too many$"):
            list(crew.map(hands.fail_at_three, range(9)))
        with pytest.raises(ZeroDivisionError, match="return hand / task"):
            list(crew.map(hands.divide, [0]))
        with pytest.raises(LostWorker, match=r"ray's was lost 1 times .Worker"):
            list(crew.map(hands.die_at_three, range(9)))
    with pytest.raises(SettingsError, match="the cluster of ray's has no GPU for a task"):
        engine.crew(hands.Loading(0), "cuda").__enter__()


def test_embedding_gives_the_same_bytes(
    engine: Engine,
    make_dataset: Callable[..., Photographed],  # noqa: F811
    micro: str,  # noqa: F811
) -> None:
    stores = []
    for name, where in (("one", None), ("many", engine)):
        data = make_dataset(photos=9, reviews=7, name=name)
        (data.folder / "photos" / data.photos["p3"]).write_bytes(b"no photo")
        photos = data.folder / "photos" / data.photos["p6"]
        photos.rename(photos.with_name(f"{photos.stem}-elsewhere"))
        (data.folder / "photos" / data.photos["p6"]).symlink_to("/etc/hostname")
        report = embed_dataset(data.folder, micro, batch_size=2, progress=False, engine=where)
        assert report.encoded == {"image": 7, "review": 6}
        assert "bad path: row 7: " in report.skipped["image"]["p6"]
        here = str(data.folder).encode()  # which a reason may name
        stores.append({p.name: p.read_bytes().replace(here, b"") for p in data.store().iterdir()})
    assert stores[0] == stores[1] and len(stores[0]) > 6


def test_who_shares_the_work_out_is_killed_and_a_machine_is_lost(
    cluster: Any,
    engine: Engine,
    tiny_world: TinyWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command goes on, on the cluster that is still there; nothing is lost or there twice."""
    checkpoint, _ = train("ShowcaseBPR", tiny_world.name, tiny_world.config(tmp_path, epochs=1))
    out = tmp_path / "many"
    given = ["explain", str(checkpoint), "--out", str(out), "--top", "3", "--batch", "3"]
    given += ["--part-rows", "20", "--engine", "ray", "--ray-address", cluster.address]
    given += ["--processes", "1"]  # so that one of them has to load the model
    stopped = finish_python("-W", "ignore", "-c", KILLED, "7", *given, cwd=tmp_path)
    assert stopped.returncode == -signal.SIGKILL, stopped.stderr
    assert manifest(out)["parts"] and not manifest(out)["complete"]
    add, lost = ShowcaseFolder.add, []

    def add_and_lose(*args: Any) -> None:
        add(*args)
        if not lost:
            lost.append(_another_machine(cluster))
            cluster.remove_node(lost[0], allow_graceful=False)

    monkeypatch.setattr(ShowcaseFolder, "add", add_and_lose)
    account = write_showcases(checkpoint, out, engine=engine, options=OPTIONS, progress=False)
    assert account.began_with and lost
    write_showcases(checkpoint, tmp_path / "one", options=OPTIONS, progress=False)
    assert content(out) == content(tmp_path / "one")


def _another_machine(cluster: Any) -> Any:
    """One that works and that this process has not joined the cluster by."""
    from ray._private.worker import _global_node

    ours = _global_node.raylet_socket_name
    return next(node for node in cluster.worker_nodes if node.raylet_socket_name != ours)


def test_ray_or_a_cluster_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(SettingsError, match=f"ray at '{address}' cannot be used: .* refused"):
        Engine("ray", ray_address=address).crew(hands.Loading(0)).__enter__()
    monkeypatch.setattr("ray.init", Mock(side_effect=RuntimeError("versions\ndiffer")))
    with pytest.raises(SettingsError, match="ray at 'auto' cannot be used: versions differ"):
        Engine("ray", ray_address="auto").crew(hands.Loading(0)).__enter__()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError, match=r"pip install 'recbole_showcase.ray.'"):
        Engine("ray").crew(hands.Loading(0)).__enter__()


def test_ray_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys, recbole_showcase.encoders, recbole_showcase.cli.explain\n"
        "print('ray' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
