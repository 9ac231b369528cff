"""RecBole's ties to ray: looked at when a search of ray's runs, and not before.

RecBole imports ``ray.tune`` with its quick start, for the one line by which a trial reports. It
gets a stand-in that looks for ray in a trial only, so that everything else runs without ray.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from wrapt import register_post_import_hook

from recbole_showcase.engines.cluster import handler_of_sigterm_kept


class _Tune(ModuleType):
    """``ray.tune`` as the objective of RecBole's sees it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_module("ray.tune"), name)

    @staticmethod
    def report(**figures: Any) -> None:
        """Report the figures of a trial, in either form that ray has had for it."""
        if trial_id() is None:
            return
        tune = import_module("ray.tune")
        tune.report(**figures) if _is_before_2_7() else tune.report(figures)


@contextmanager
def left_aside() -> Iterator[None]:
    """Let RecBole's quick start be imported without ray, whether it is installed or not.

    Ray that is loaded stays where it is, since threads of its own may be at work.
    """
    before = {name: module for name, module in sys.modules.items() if name == "ray"}
    if before.get("ray"):
        import_ray()
        yield
        return
    ray = ModuleType("ray")
    ray.__spec__ = ModuleSpec("ray", None)  # for those who ask whether there is one
    ray.tune = _Tune("ray.tune")  # type: ignore[attr-defined]
    sys.modules["ray"] = ray
    try:
        yield
    finally:
        if sys.modules.get("ray") is ray:
            del sys.modules["ray"]
            sys.modules.update(before)  # None, where somebody forbids it


def apply(known_here: Callable[[], list[Any]], expect: Callable[[Iterable[Any]], None]) -> None:
    """Give the objective of RecBole's its ``tune``, and prepare ray once somebody imports it.

    Args:
        known_here: Gives what workers of ray's have to know.
        expect: Tells them.
    """
    quick_start: Any = import_module("recbole.quick_start.quick_start")
    quick_start.tune = _Tune("ray.tune")

    def prepare(_: ModuleType) -> None:
        with suppress(ImportError):  # what tune lacks is said where tune is imported
            import_ray()
        _prepare_workers(known_here, expect)

    register_post_import_hook(prepare, "ray")


def import_ray() -> None:
    """Make ``ray.tune`` importable, here and as the first thing in every worker of ray's.

    Ray <= 2.6.3 reads ``np.bool8`` while it is imported; NumPy 2 has no such name. So the name is
    there during ray's import only. A program's own handler of SIGTERM stays in place.
    Upstream: https://github.com/ray-project/ray/pull/38495. Can go when RecBole allows a newer ray.
    """
    import numpy as np

    with handler_of_sigterm_kept():
        import_module("ray")
        if hasattr(np, "bool8") or not _is_before_2_7():
            return
        np.bool8 = np.bool_  # type: ignore[attr-defined]
        try:
            import_module("ray.tune")
            import_module("ray.tune.logger")
        finally:
            del np.bool8  # type: ignore[attr-defined]


def trial_id() -> str | None:
    """The trial of ray's that this process is at, if any; a process at one has imported ray."""
    if "ray.tune" not in sys.modules:
        return None
    if _is_before_2_7():
        old = import_module("ray.tune.trainable.session")
        return old.get_trial_id() if old.is_session_enabled() else None
    session = import_module("ray.train._internal.session").get_session()
    return session.trial_id if session else None


def _is_before_2_7() -> bool:
    version = import_module("ray").__version__
    return tuple(map(int, version.split(".")[:2])) < (2, 7)


def _prepare_workers(
    known_here: Callable[[], list[Any]], expect: Callable[[Iterable[Any]], None]
) -> None:
    """Ray's workers are Python processes of their own, which import ``ray.tune`` before us.

    Those of ray <= 2.6.3 end there for want of ``np.bool8``, as in :func:`import_ray`, and all know
    no part that was registered here. ``ray.init`` is given a hook that imports ray as we do and
    tells the parts, unless it has one. Through ray's client (``ray://``) workers are started
    elsewhere, with the packages that are there.
    """
    ray = import_module("ray")
    init = ray.init

    @functools.wraps(init)
    def init_with_hook(address: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if not (address or os.environ.get("RAY_ADDRESS", "")).startswith("ray://"):
            environment = dict(kwargs.get("runtime_env") or {})
            known = known_here()

            def set_up() -> None:
                import_ray()
                expect(known)

            environment.setdefault("worker_process_setup_hook", set_up)
            kwargs["runtime_env"] = environment
        return init(address, *args, **kwargs)

    ray.init = init_with_hook  # type: ignore[attr-defined]
