"""Shims that let RecBole 1.2 run on today's packages, one a breakage.

Each says what breaks, where it is known upstream, and when it can go; each applies only where it
is needed. None changes a library for anyone but RecBole: RecBole's modules get a view of the
library with the missing name, and the library itself stays as it is. What concerns ray is in
:mod:`recbole_showcase.integration.ray_tune`, and pandas 3 in
:mod:`recbole_showcase.integration.pandas3`.
"""

from __future__ import annotations

import copy
import functools
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from recbole_showcase.errors import RegistrationError
from recbole_showcase.integration.hooks import HOW_TO_INSTALL

_READ_CHECKPOINTS = (
    "trainer.trainer",
    "model.context_aware_recommender.kd_dagfm",
    "model.general_recommender.convncf",
    "model.general_recommender.nais",
    "model.general_recommender.neumf",
    "model.general_recommender.ract",
    "model.sequential_recommender.s3rec",
)


class LibraryView(ModuleType):
    """A library as RecBole expects it: some names of ours, everything else the library's own."""

    def __init__(self, library: ModuleType, **names: Any) -> None:
        super().__init__(library.__name__, library.__doc__)
        self.__dict__.update(names)
        self.__dict__["_library"] = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_library"], name)


def check_version() -> None:
    """Refuse a RecBole with other insides, such as the 1.2.0 that pip finds for Python 3.12.

    Raises:
        RegistrationError: With the versions that are allowed.
    """
    found = import_module("recbole").__version__
    if not re.fullmatch(r"1\.2\.[1-9]\d*", found):
        raise RegistrationError(
            f"RecBole {found} is installed; allowed: from 1.2.1, below 1.3. {HOW_TO_INSTALL}"
        )


def quiet_warnings() -> None:
    """Leave out what ray, thop and RecBole warn of at every run, their use of older packages.

    Silences what is raised from inside these modules, and RecBole's backslashes in texts, of which
    Python warns from 3.12 on where it compiles them: by the file, as no module is loaded then. Can
    go when RecBole and ray are updated.
    """
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated", module="ray")
    warnings.filterwarnings("ignore", category=SyntaxWarning, module=r".*[\\/]recbole[\\/]")
    for module in (r"recbole\.", "thop"):
        warnings.filterwarnings("ignore", category=FutureWarning, module=module)
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=module)


def apply() -> None:
    """Give RecBole's loaded modules their views; call after its packages are imported."""
    _numpy_aliases()
    _dok_matrix_update()
    _torch_load()
    _generator_for_hyperopt()
    _best_of_nought()
    _collector_of_anything()
    _flops_of_what_predicts()
    _ksr_in_one_precision()


@contextmanager
def anomaly_detection_as_it_is() -> Iterator[None]:
    """SINE's module turns autograd's anomaly detection on for the whole process when imported.

    Every backward pass of every model then records its stack and looks for NaN, which makes
    training of a small model take about twice as long. The switch is put back to where it was.
    Upstream: the first lines of ``recbole/model/sequential_recommender/sine.py``. Can go when they
    are gone.
    """
    import torch

    enabled = torch.is_anomaly_enabled()
    try:
        yield
    finally:
        torch.autograd.set_detect_anomaly(enabled)


def _numpy_aliases() -> None:
    """``Config`` sets ``np.float = np.float_`` and the like; NumPy 2 has no ``np.float_``.

    RecBole's modules that use the aliases see a NumPy that has them, and ``Config`` no longer
    writes into NumPy. Upstream: https://github.com/RUCAIBox/RecBole/issues/2215. Can go when
    RecBole runs on NumPy 2.
    """
    import numpy as np

    if hasattr(np, "float_"):
        return
    aliases = {
        "bool": np.bool_,
        "int": np.int_,
        "float": np.float64,
        "complex": np.complex128,
        "object": np.object_,
        "str": np.str_,
        "long": np.int_,
        "unicode": np.str_,
    }
    view = LibraryView(np, **aliases)
    for module in recbole_modules():
        if getattr(module, "np", None) is np:
            module.np = view  # type: ignore[attr-defined]
    config = import_module("recbole.config.configurator").Config
    config.compatibility_settings = lambda self: None


def _dok_matrix_update() -> None:
    """LightGCN and others fill a ``dok_matrix`` through ``_update``, gone since SciPy 1.13.

    Upstream: https://github.com/RUCAIBox/RecBole/issues/2034. Can go when RecBole stops using the
    private method.
    """
    import scipy.sparse as sp

    if hasattr(sp.dok_matrix, "_update"):
        return

    class UpdatableDokMatrix(sp.dok_matrix):
        """A ``dok_matrix`` that takes a dict of unchecked entries at once."""

        def _update(self, data: dict[tuple[int, int], float]) -> None:
            self._dict.update(data)

    view = LibraryView(sp, dok_matrix=UpdatableDokMatrix)
    for module in recbole_modules():
        if getattr(module, "sp", None) is sp:
            module.sp = view  # type: ignore[attr-defined]


def _torch_load() -> None:
    """``torch.load`` is ``weights_only`` since 2.6 and refuses the ``Config`` in checkpoints.

    RecBole's trainer, and its models that start from a pretrained one, read checkpoints through our
    loader, which runs no code from the files of others, and say which files are their own.
    Upstream: https://github.com/RUCAIBox/RecBole/issues/2215. Can go when RecBole writes
    checkpoints without pickled objects.
    """
    import torch

    from recbole_showcase.integration.checkpoint import load_checkpoint
    from recbole_showcase.integration.own_files import save_and_note

    view = LibraryView(torch, load=load_checkpoint, save=save_and_note)
    for name in _READ_CHECKPOINTS:
        module = import_module(f"recbole.{name}")
        if module.torch is torch:
            module.torch = view  # type: ignore[attr-defined]


def _generator_for_hyperopt() -> None:
    """The exhaustive search draws from a ``RandomState``; hyperopt >= 0.2.6 wants a ``Generator``.

    Upstream: ``exhaustive_search`` in ``recbole.trainer.hyper_tuning``, written for hyperopt 0.2.5.
    Can go when RecBole allows a newer hyperopt.
    """
    module = import_module("recbole.trainer.hyper_tuning")
    np = module.np
    random = LibraryView(np.random, RandomState=np.random.default_rng)
    module.np = LibraryView(np, random=random)  # type: ignore[attr-defined]


def _best_of_nought() -> None:
    """``HyperTuning`` takes a best score of 0 for none, so whatever comes next replaces it.

    Where less is better, as in HallucinationRate, the best is lost. Upstream: ``if not
    self.best_score`` in ``HyperTuning.trial`` of 1.2.1. Can go when it asks for None.
    """
    tuning = import_module("recbole.trainer.hyper_tuning").HyperTuning
    trial = tuning.trial

    @functools.wraps(trial)
    def trial_that_keeps_nought(self: Any, params: dict[str, Any]) -> Any:
        best = self.best_score, self.best_params
        outcome = trial(self, params)
        if best[0] == 0 and outcome["loss"] >= 0:  # the loss is the score, or what it lacks to 0
            self.best_score, self.best_params = best
        return outcome

    tuning.trial = trial_that_keeps_nought


def _collector_of_anything() -> None:
    """``Collector.get_data_struct`` moves all it holds to the CPU, numbers and counters as well.

    So ItemCoverage, GiniIndex and the other metrics that ask for counts end in an error. It also
    forgets a fixed list of keys only: what a metric of one's own collects piles up over the
    evaluations. Upstream: ``recbole.evaluator.collector`` of 1.2.1. Can go when it keeps what
    ``data_collect`` set, as it is, and forgets the rest.
    """
    collector = import_module("recbole.evaluator.collector").Collector
    data_collect, get_data_struct = collector.data_collect, collector.get_data_struct

    @functools.wraps(data_collect)
    def data_collect_and_note(self: Any, train_data: Any) -> None:
        data_collect(self, train_data)
        self.kept_keys = set(self.data_struct._data_dict)

    @functools.wraps(get_data_struct)
    def get_data_struct_of_anything(self: Any) -> Any:
        data = self.data_struct._data_dict
        fixed = {key: value for key, value in data.items() if not hasattr(value, "cpu")}
        for key in fixed:
            del data[key]
        struct = get_data_struct(self)
        struct._data_dict.update(copy.deepcopy(fixed))
        data.update(fixed)
        for key in set(data) - getattr(self, "kept_keys", set()):
            del data[key]
        return struct

    collector.data_collect = data_collect_and_note
    collector.get_data_struct = get_data_struct_of_anything


def _flops_of_what_predicts() -> None:
    """``run_recbole`` counts the operations of ``predict``, which some models cannot do.

    GRU4RecCPR and SASRecCPR refuse it by an assertion, so RecBole's quick start ends there. It
    leaves out Pop, which has nothing to predict from before training, by the name of its class;
    here a composed model goes by the name of its base. Upstream: ``get_flops`` of
    ``recbole.utils.utils`` in 1.2.1. Can go when it allows for models that rank only.

    It also copies the whole model and marks each of its modules once, which fails where one has two
    places, as functions of language models do. An explainer is no part of ``predict``, so it is not
    looked at.
    """
    utils = import_module("recbole.utils.utils")
    get_flops = utils.get_flops

    @functools.wraps(get_flops)
    def get_flops_of_what_predicts(model: Any, *args: Any, **kwargs: Any) -> Any:
        name = getattr(model, "base_model", type(model)).__name__
        skipped = name in ("Pop", "GRU4RecCPR", "SASRecCPR")
        return 1 if skipped else get_flops(_without_head(model), *args, **kwargs)

    for name in ("utils.utils", "utils", "quick_start.quick_start"):
        module: Any = import_module(f"recbole.{name}")
        module.get_flops = get_flops_of_what_predicts


def _without_head(model: Any) -> Any:
    """A composed model that shares everything but has no explanation head; others as they are."""
    if not hasattr(model, "base_model"):
        return model
    bare = copy.copy(model)
    bare._modules = {name: part for name, part in model._modules.items() if name != "showcase"}
    return bare


def _ksr_in_one_precision() -> None:
    """KSR multiplies its relations, read from a file in double precision, by single precision.

    PyTorch refuses that, so KSR does not train. Upstream: ``KSR.__init__`` of RecBole 1.2.1. Can go
    when it casts ``relation_Matrix`` as it casts what it computes from it.
    """
    ksr = import_module("recbole.model.sequential_recommender.ksr").KSR
    init = ksr.__init__

    @functools.wraps(init)
    def init_in_one_precision(self: Any, config: Any, dataset: Any) -> None:
        init(self, config, dataset)
        self.relation_Matrix = self.relation_Matrix.float()

    ksr.__init__ = init_in_one_precision


def recbole_modules() -> list[ModuleType]:
    """RecBole's modules that are loaded."""
    return [module for name, module in sys.modules.items() if name.startswith("recbole.")]
