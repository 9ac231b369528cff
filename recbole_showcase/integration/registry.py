"""Registration with RecBole: composed models, their trainers and data sets, wraps, metrics.

Nothing here replaces a name that RecBole has; functions of RecBole are wrapped where they
dispatch by the name of a model, so that a composed model gets what its base gets.
"""

from __future__ import annotations

import functools
import pkgutil
import sys
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from recbole_showcase.errors import RegistrationError
from recbole_showcase.integration import (
    compat,
    outside,
    pandas3,
    parsing,
    processes,
    ray_tune,
    saved_data,
)
from recbole_showcase.integration.hooks import (
    COMPOSED_MODULE,
    MODEL_PACKAGES,
    PREFIX,
    RECOMMENDER_PACKAGE,
)
from recbole_showcase.recommenders import RECOMMENDERS, is_recommender, recommender_name

# The rule of recbole.data.utils.create_dataset for models without a data set class of their own.
_DATASET_OF_TYPE = {
    "GENERAL": "Dataset",
    "SEQUENTIAL": "SequentialDataset",
    "CONTEXT": "Dataset",
    "KNOWLEDGE": "KnowledgeBasedDataset",
    "TRADITIONAL": "Dataset",
    "DECISIONTREE": "Dataset",
}
# Settings that change what a data set holds, so that a cached one is not reused wrongly.
DATASET_SETTINGS = (
    "showcase_encoder",
    "showcase_target",
    "showcase_min_photos",
    "showcase_entities",
    "showcase_tokenizer",
    "showcase_vocab_size",
    "showcase_max_tokens",
)
# Modules that RecBole imports in the middle of a run, asked for before anything is loaded, and what
# pip is told to install. torch_scatter is built against the torch that is there, and so without
# isolation, which an extra cannot say.
_PACKAGES = {
    "KGAT": ("dgl", "dgl"),
    "KGIN": ("torch_scatter", "--no-build-isolation torch_scatter"),
    "LightGBM": ("lightgbm", "lightgbm"),
    "MCCLK": ("torch_scatter", "--no-build-isolation torch_scatter"),
    "NCL": ("faiss", "'recbole_showcase[ncl]'"),
    "XGBoost": ("xgboost", "xgboost"),
}
_HOMES = {"Trainer": "recbole.trainer", "Dataset": "recbole.data.dataset"}
_composed: dict[str, type] = {}


def register() -> None:
    """Make RecBole work on today's packages and know this package; once is enough."""
    quick_start = sys.modules.get("recbole.quick_start.quick_start")
    if quick_start is not None and hasattr(quick_start.load_data_and_model, "__wrapped__"):
        return
    compat.check_version()
    compat.quiet_warnings()
    models = (f"model.{family}" for family in MODEL_PACKAGES if family[:5] != "exlib")
    with compat.anomaly_detection_as_it_is(), ray_tune.left_aside():
        for package in ("quick_start", "data.dataset", "trainer", *models):  # what shims look at
            import_module(f"recbole.{package}")
    parsing.install()
    compat.apply()
    pandas3.apply()
    ray_tune.apply(outside.code_of_others, outside.expect_code)
    saved_data.guard()
    processes.apply()
    _wrap_config()
    _wrap_get_dataloader()
    _wrap_quick_start()
    _extend_dataset_arguments()
    import_module("recbole_showcase.integration.metrics").register_metrics()


def family_of(stem: str) -> str | None:
    """The package of RecBole that holds the base of a composed model.

    Args:
        stem: Lower-case name of the composed model, such as ``showcasebpr``.

    Raises:
        RegistrationError: If no RecBole model has the rest of the name; with the nearest one.
    """
    if composed := composed_by_stem(stem):
        return _family_of_type(composed)
    base = stem.removeprefix(PREFIX.lower())
    if others := outside.base_of_others(base):
        return _family_of_type(others)
    for family in MODEL_PACKAGES:
        if base in _stems(family):
            return family
    if recommender_name(base):
        return RECOMMENDER_PACKAGE
    known = [name for family in MODEL_PACKAGES for name in _stems(family)]
    known += [name.lower() for name in RECOMMENDERS]
    near = get_close_matches(base, known, n=1, cutoff=0)[0]
    raise RegistrationError(
        f"no model '{PREFIX}{base}': RecBole has no model of that name, and none was given to "
        "recbole_showcase.showcase_class. "
        f"Did you mean '{PREFIX}{_class_name(near)}'?"
    )


def classes_beside(base: type) -> tuple[type, type]:
    """The trainer and the data set class that RecBole takes for a model class.

    A class that is derived from a recommender of this package has what that one has.
    """
    datasets, trainers = (import_module(_HOMES[suffix]) for suffix in ("Dataset", "Trainer"))
    names = [base.__name__]
    if seeing := seeing_base(base):
        names.append(seeing.__name__)
    named = next((n for n in names if hasattr(trainers, n + "Trainer")), base.__name__)
    trainer = import_module("recbole.utils").get_trainer(
        base.type,  # type: ignore[attr-defined]
        named,
    )
    kind = _DATASET_OF_TYPE[base.type.name]  # type: ignore[attr-defined]
    candidates = (getattr(datasets, name + "Dataset", None) for name in names)
    return trainer, next(filter(None, candidates), getattr(datasets, kind))


def plain_classes() -> tuple[type, type]:
    """RecBole's trainer and data set class of models without one of their own."""
    return tuple(getattr(import_module(home), name) for name, home in _HOMES.items())  # type: ignore[return-value]


def seeing_base(model: type) -> type | None:
    """The recommender of this package that a model class is, or is derived from, if any."""
    return next((cls for cls in model.__mro__ if is_recommender(cls)), None)


def add_composed(model: type, trainer: type, dataset: type) -> None:
    """Let RecBole find a composed model with its trainer and its data set class.

    Raises:
        RegistrationError: If RecBole has a trainer or data set class of that name.
    """
    for suffix, value in (("Trainer", trainer), ("Dataset", dataset)):
        add_beside(model, suffix, value)
    _composed[model.__name__] = model
    outside.remember_base(model.base_model)  # type: ignore[attr-defined]


def add_beside(model: type, suffix: str, value: type) -> None:
    """Let RecBole find the ``Trainer`` or ``Dataset`` class of a model of ours.

    Raises:
        RegistrationError: If RecBole has a class of that name.
    """
    _add(import_module(_HOMES[suffix]), model.__name__ + suffix, value)


def class_beside(model: type, suffix: str) -> type:
    """The ``Trainer`` or ``Dataset`` class of a model of ours."""
    return getattr(import_module(_HOMES[suffix]), model.__name__ + suffix)


def composed_by_stem(stem: str) -> type | None:
    """The composed model whose name in lower case this is; None if there is none yet."""
    return next((c for name, c in _composed.items() if name.lower() == stem), None)


def check_base(base: type) -> None:
    """Refuse a base that cannot run here, before any data is loaded.

    Raises:
        RegistrationError: If a package that it needs cannot be imported, or if it is not a torch
            module.
    """
    if not isinstance(base, type) or hasattr(base, "base_model") or not hasattr(base, "type"):
        raise RegistrationError(
            f"{base!r} cannot be paired with an explainer; allowed: a RecBole model class"
        )
    name = PREFIX + base.__name__
    if base.__module__.startswith("recbole.") and base.__name__ in _PACKAGES:
        _check_package(name, *_PACKAGES[base.__name__])
    if not issubclass(base, import_module("torch").nn.Module):
        raise RegistrationError(
            f"no model '{name}': {base.__name__} is not a torch module, so it cannot be trained, "
            "saved and loaded together with an explainer"
        )


def _check_package(name: str, module: str, install: str) -> None:
    try:
        import_module(module)
    except Exception as error:  # a package that is there but broken may raise anything
        raise RegistrationError(
            f"'{name}' needs the package '{module}' (pip install {install}), which cannot be "
            f"imported: {error}"
        ) from error


def base_name(name: str) -> str | None:
    """Name of the base of a composed model, or None for any other model."""
    composed = _composed.get(name)
    return composed.base_model.__name__ if composed else None  # type: ignore[attr-defined]


def _add(module: ModuleType, name: str, value: Any) -> None:
    """Set a name on a module of RecBole's, unless RecBole has it."""
    present = getattr(module, name, None)
    if present is not None and getattr(present, "__module__", "") != COMPOSED_MODULE:
        raise RegistrationError(f"'{module.__name__}' has a '{name}' already; it is not replaced")
    setattr(module, name, value)


@functools.cache
def _stems(family: str) -> tuple[str, ...]:
    """Module names of a model package, without importing its models."""
    spec = find_spec("recbole.model")
    assert spec is not None and spec.submodule_search_locations
    paths = [f"{path}/{family}" for path in spec.submodule_search_locations]
    return tuple(module.name for module in pkgutil.iter_modules(paths))


def base_class(stem: str) -> type:
    """The RecBole model class behind the lower-case name of a composed model."""
    base = stem.removeprefix(PREFIX.lower())
    if others := outside.base_of_others(base):
        return others
    family = family_of(stem)
    assert family is not None
    if family.startswith("exlib"):  # its module cannot be imported without the package
        name = _class_name(base)
        _check_package(PREFIX + name, *_PACKAGES[name])
    module = import_module(f"recbole.model.{family}.{base}")
    return getattr(module, recommender_name(base) or _class_name_in(module, base))


def composed_name(stem: str) -> str:
    """The name of a composed class from its lower-case form.

    Raises:
        RegistrationError: If no RecBole model has the rest of the name.
    """
    family_of(stem)
    base = stem.removeprefix(PREFIX.lower())
    others = outside.base_of_others(base)
    return PREFIX + (others.__name__ if others else _class_name(base))


def _class_name(base: str) -> str:
    """The class in a model's module, from its lower-case name."""
    if own := recommender_name(base):
        return own
    family = next(family for family in MODEL_PACKAGES if base in _stems(family))
    if family.startswith("exlib"):  # importing it would need its package
        return next(name for name in _PACKAGES if name.lower() == base)
    return _class_name_in(import_module(f"recbole.model.{family}.{base}"), base)


def _class_name_in(module: ModuleType, base: str) -> str:
    classes = (name for name, value in vars(module).items() if isinstance(value, type))
    return next(name for name in classes if name.lower() == base)


def _family_of_type(model: type) -> str:
    """The package that a composed model is found in, by its type; any would do."""
    kind = model.type.name  # type: ignore[attr-defined]
    return {
        "CONTEXT": "context_aware_recommender",
        "SEQUENTIAL": "sequential_recommender",
        "KNOWLEDGE": "knowledge_aware_recommender",
    }.get(kind, "general_recommender")


def _wrap_config() -> None:
    from recbole_showcase.integration.config import recommender_defaults, showcase_defaults
    from recbole_showcase.integration.metrics import (
        admit_metrics,
        check_valid_metric,
        is_explanation_metric,
    )

    config_class = import_module("recbole.config.configurator").Config
    load_internal = config_class._load_internal_config_dict
    set_defaults = config_class._set_default_parameters

    @functools.wraps(load_internal)
    def _load_internal_config_dict(self: Any, model: str, model_class: type, dataset: str) -> None:
        base = base_name(model)
        load_internal(self, base or model, model_class, dataset)
        own = self.internal_config_dict
        if seeing := seeing_base(model_class):
            own.update(recommender_defaults(seeing, self.external_config_dict, set(own)))
        if base is not None:
            own.update(showcase_defaults(self.external_config_dict))

    @functools.wraps(set_defaults)
    def _set_default_parameters(self: Any) -> None:
        final = self.final_config_dict
        final["metrics"] = admit_metrics(final["metrics"])
        if ":" in str(final["valid_metric"]):
            (final["valid_metric"],) = admit_metrics(final["valid_metric"])
        set_defaults(self)
        if base_name(final["model"]) is not None or is_explanation_metric(final["valid_metric"]):
            check_valid_metric(final, explains=base_name(final["model"]) is not None)

    config_class._load_internal_config_dict = _load_internal_config_dict
    config_class._set_default_parameters = _set_default_parameters


class _WithModelName:
    """A ``Config`` that gives another model name; for rules that go by the name."""

    def __init__(self, config: Any, model: str) -> None:
        self.config, self.model = config, model

    def __getitem__(self, key: str) -> Any:
        return self.model if key == "model" else self.config[key]


def _wrap_get_dataloader() -> None:
    from recbole_showcase.integration import per_user

    per_user.apply()
    utils = import_module("recbole.data.utils")
    get_dataloader = utils.get_dataloader

    @functools.wraps(get_dataloader)
    def wrapped(config: Any, phase: str) -> type:
        base = base_name(config["model"])
        if base is None:
            return get_dataloader(config, phase)
        found = get_dataloader(_WithModelName(config, base), phase)
        is_full = found is per_user.FullSortEvalDataLoader
        return per_user.PackedEvalDataLoader if is_full else found

    utils.get_dataloader = wrapped  # type: ignore[attr-defined]


def _wrap_quick_start() -> None:
    from recbole_showcase.integration import entry_points

    package = import_module("recbole.quick_start")
    module = import_module("recbole.quick_start.quick_start")
    for name in ("load_data_and_model", "objective_function", "run_recboles"):
        ours = getattr(entry_points, name)
        functools.update_wrapper(ours, getattr(module, name), assigned=(), updated=())
        entry_points.ORIGINALS[name] = getattr(module, name)
        setattr(module, name, ours)
        setattr(package, name, ours)


def _extend_dataset_arguments() -> None:
    """Let ``create_dataset`` reuse a cached data set only where these settings are the same.

    In place: other modules hold the list by value.
    """
    arguments = import_module("recbole.utils.argument_list").dataset_arguments
    arguments.extend(key for key in DATASET_SETTINGS if key not in arguments)
