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
from recbole_showcase.integration import compat
from recbole_showcase.integration.hooks import MODEL_PACKAGES, PREFIX

COMPOSED_MODULE = "recbole_showcase.integration.composed"
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
_DATASET_SETTINGS = (
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
_composed: dict[str, type] = {}


def register() -> None:
    """Make RecBole work on today's packages and know this package; once is enough."""
    quick_start = sys.modules.get("recbole.quick_start.quick_start")
    if quick_start is not None and hasattr(quick_start.load_data_and_model, "__wrapped__"):
        return
    compat.apply_before_import()
    models = (f"model.{family}" for family in MODEL_PACKAGES if family[:5] != "exlib")
    with compat.anomaly_detection_as_it_is():
        for package in ("quick_start", "data.dataset", "trainer", *models):  # what shims look at
            import_module(f"recbole.{package}")
    compat.apply()
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
    if composed := _composed_by_stem(stem):
        return _family_of_type(composed)
    base = stem.removeprefix(PREFIX.lower())
    for family in MODEL_PACKAGES:
        if base in _stems(family):
            return family
    known = [name for family in MODEL_PACKAGES for name in _stems(family)]
    near = get_close_matches(base, known, n=1, cutoff=0)[0]
    raise RegistrationError(
        f"no model '{PREFIX}{base}': RecBole has no model of that name. "
        f"Did you mean '{PREFIX}{_class_name(near)}'?"
    )


def composed_model(name: str, stem: str) -> type:
    """The composed class that ``get_model`` asks a module of ours for.

    Args:
        name: The attribute asked for, such as ``ShowcaseBPR``.
        stem: The module's name, such as ``showcasebpr``.

    Raises:
        RegistrationError: If the name is spelled in another way than the class.
        AttributeError: If the name is not that of a composed model at all.
    """
    if composed := _composed_by_stem(stem):
        expected = composed.__name__
    else:
        expected = PREFIX + _class_name(stem.removeprefix(PREFIX.lower()))
    if name == expected:
        return composed or showcase_class(_base_class(stem))
    if name.lower().startswith(PREFIX.lower()):
        raise RegistrationError(f"no model '{name}'. Did you mean '{expected}'?")
    raise AttributeError(name)


def showcase_class(base: type) -> type:
    """Pair a recommender class with the explanation side.

    Args:
        base: A RecBole model class, RecBole's own or the user's.

    Returns:
        The class ``Showcase<base>``, known to RecBole by its name, with a trainer and a data set
        class composed in the same way from the base's own.

    Raises:
        RegistrationError: If RecBole has a model, trainer or data set class of that name, if a
            package that the base needs cannot be imported, or if it is not a torch module.
    """
    name = PREFIX + base.__name__
    known = _composed.get(name)
    if known is not None and known.base_model is base:  # type: ignore[attr-defined]
        return known
    _check_base(base)
    from recbole_showcase.dataset import ShowcaseDatasetMixin
    from recbole_showcase.model import ShowcaseMixin
    from recbole_showcase.trainer import ShowcaseTrainerMixin

    trainers = import_module("recbole.trainer")
    datasets = import_module("recbole.data.dataset")
    get_trainer = import_module("recbole.utils").get_trainer
    model = _compose(name, ShowcaseMixin, base, base_model=base)
    trainer = get_trainer(base.type, base.__name__)  # type: ignore[attr-defined]
    dataset = getattr(datasets, base.__name__ + "Dataset", None) or getattr(
        datasets,
        _DATASET_OF_TYPE[base.type.name],  # type: ignore[attr-defined]
    )
    _add(trainers, name + "Trainer", _compose(name + "Trainer", ShowcaseTrainerMixin, trainer))
    _add(datasets, name + "Dataset", _compose(name + "Dataset", ShowcaseDatasetMixin, dataset))
    _composed[name] = model
    return model


def _check_base(base: type) -> None:
    """Refuse a base that cannot run here, before any data is loaded."""
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


def _compose(name: str, mixin: type, base: type, **attributes: Any) -> type:
    return type(name, (mixin, base), {"__module__": COMPOSED_MODULE, **attributes})


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


def _base_class(stem: str) -> type:
    base = stem.removeprefix(PREFIX.lower())
    family = family_of(stem)
    assert family is not None
    if family.startswith("exlib"):  # its module cannot be imported without the package
        name = _class_name(base)
        _check_package(PREFIX + name, *_PACKAGES[name])
    module = import_module(f"recbole.model.{family}.{base}")
    return getattr(module, _class_name_in(module, base))


def _class_name(base: str) -> str:
    """The class in a model's module, from its lower-case name."""
    family = next(family for family in MODEL_PACKAGES if base in _stems(family))
    if family.startswith("exlib"):  # importing it would need its package
        return next(name for name in _PACKAGES if name.lower() == base)
    return _class_name_in(import_module(f"recbole.model.{family}.{base}"), base)


def _class_name_in(module: ModuleType, base: str) -> str:
    classes = (name for name, value in vars(module).items() if isinstance(value, type))
    return next(name for name in classes if name.lower() == base)


def _composed_by_stem(stem: str) -> type | None:
    return next((c for name, c in _composed.items() if name.lower() == stem), None)


def _family_of_type(model: type) -> str:
    """The package that a composed model is found in, by its type; any would do."""
    kind = model.type.name  # type: ignore[attr-defined]
    return {
        "CONTEXT": "context_aware_recommender",
        "SEQUENTIAL": "sequential_recommender",
        "KNOWLEDGE": "knowledge_aware_recommender",
    }.get(kind, "general_recommender")


def _wrap_config() -> None:
    from recbole_showcase.integration.config import showcase_defaults
    from recbole_showcase.integration.metrics import adopt_eval_type

    config_class = import_module("recbole.config.configurator").Config
    load_internal = config_class._load_internal_config_dict
    set_defaults = config_class._set_default_parameters

    @functools.wraps(load_internal)
    def _load_internal_config_dict(self: Any, model: str, model_class: type, dataset: str) -> None:
        base = base_name(model)
        load_internal(self, base or model, model_class, dataset)
        if base is not None:
            self.internal_config_dict.update(showcase_defaults(self.external_config_dict))

    @functools.wraps(set_defaults)
    def _set_default_parameters(self: Any) -> None:
        adopt_eval_type(self.final_config_dict["metrics"])
        set_defaults(self)

    config_class._load_internal_config_dict = _load_internal_config_dict
    config_class._set_default_parameters = _set_default_parameters


class _WithModelName:
    """A ``Config`` that gives another model name; for rules that go by the name."""

    def __init__(self, config: Any, model: str) -> None:
        self.config, self.model = config, model

    def __getitem__(self, key: str) -> Any:
        return self.model if key == "model" else self.config[key]


def _wrap_get_dataloader() -> None:
    utils = import_module("recbole.data.utils")
    get_dataloader = utils.get_dataloader

    @functools.wraps(get_dataloader)
    def wrapped(config: Any, phase: str) -> type:
        base = base_name(config["model"])
        return get_dataloader(config if base is None else _WithModelName(config, base), phase)

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
    arguments.extend(key for key in _DATASET_SETTINGS if key not in arguments)
