"""How a RecBole model becomes ``Showcase<Model>``, with a trainer and data set class of its own.

So do the recommenders of this package get a trainer and a data set class where they need one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from recbole_showcase.composed.dataset import ShowcaseDatasetMixin
from recbole_showcase.composed.joined import JoinedDatasetMixin
from recbole_showcase.composed.model import ShowcaseMixin
from recbole_showcase.composed.pre_epoch import PreEpochMixin
from recbole_showcase.composed.trainer import ShowcaseTrainerMixin
from recbole_showcase.errors import RegistrationError
from recbole_showcase.integration import registry
from recbole_showcase.integration.hooks import COMPOSED_MODULE, PREFIX
from recbole_showcase.recommenders import RECOMMENDERS, recommender, recommender_name

_SUFFIXES = ("Trainer", "Dataset")


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
    registry.check_base(base)
    if seeing := registry.seeing_base(base):
        seeing_model(seeing.__name__, seeing.__name__.lower())
    name = PREFIX + base.__name__
    known = registry.composed_by_stem(name.lower())
    if known is not None and known.base_model is base:  # type: ignore[attr-defined]
        return known
    trainer, dataset = registry.classes_beside(base)
    model = _compose(name, ShowcaseMixin, base, base_model=base)
    registry.add_composed(
        model,
        _compose(name + "Trainer", ShowcaseTrainerMixin, trainer),
        _compose(name + "Dataset", ShowcaseDatasetMixin, dataset),
    )
    return model


def composed_model(name: str, stem: str) -> type:
    """The composed class that ``get_model`` asks a module of ours for.

    Args:
        name: The attribute asked for, such as ``ShowcaseBPR``.
        stem: The module's name, such as ``showcasebpr``.

    Raises:
        RegistrationError: If the name is spelled in another way than the class, or if RecBole has
            no model of the rest of the name.
        AttributeError: If the name is not that of a composed model at all.
    """
    composed = registry.composed_by_stem(stem)
    expected = composed.__name__ if composed else registry.composed_name(stem)
    if name == expected:
        return composed or showcase_class(registry.base_class(stem))
    if name.lower().startswith(PREFIX.lower()):
        raise RegistrationError(f"no model '{name}'. Did you mean '{expected}'?")
    raise AttributeError(name)


@cache  # a class that is made anew is another one to pickles of the first
def seeing_model(name: str, stem: str) -> type:
    """The recommender of this package that ``get_model`` asks a module of ours for.

    Its data set class, and its trainer if it wants to be told of epochs, are then known to RecBole.

    Args:
        name: The attribute asked for, such as ``VBPR``.
        stem: The module's name, such as ``vbpr``.

    Raises:
        RegistrationError: If the name is spelled in another way than the class.
        AttributeError: If the name is that of something else.
    """
    expected = recommender_name(stem)
    if name != expected:
        if name.lower() != stem:
            raise AttributeError(name)
        raise RegistrationError(f"no model '{name}'. Did you mean '{expected}'?")
    model = recommender(name)
    trainer, dataset = registry.plain_classes()
    registry.add_beside(model, "Dataset", _compose(name + "Dataset", JoinedDatasetMixin, dataset))
    if hasattr(model, "pre_epoch"):
        registry.add_beside(model, "Trainer", _compose(name + "Trainer", PreEpochMixin, trainer))
    return model


def class_named(name: str) -> Any:
    """The composed model, trainer or data set class of a name.

    Raises:
        AttributeError: If the name is not that of a composed class.
        RegistrationError: As :func:`composed_model`.
    """
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")
    model = name.removesuffix(suffix)
    if suffix and model in RECOMMENDERS:
        return registry.class_beside(seeing_model(model, model.lower()), suffix)
    if not name.startswith(PREFIX):
        raise AttributeError(f"module '{COMPOSED_MODULE}' has no attribute '{name}'")
    composed = composed_model(model, model.lower())
    return registry.class_beside(composed, suffix) if suffix else composed


def _compose(name: str, mixin: type, base: type, **attributes: Any) -> type:
    return type(name, (mixin, base), {"__module__": COMPOSED_MODULE, **attributes})
