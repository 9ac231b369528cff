"""A run up to its first epoch: what would stop it is found out before anything is trained."""

from __future__ import annotations

from importlib import import_module
from logging import getLogger
from pathlib import Path
from typing import Any

from recbole_showcase.errors import SettingsError, ShowcaseError
from recbole_showcase.integration.checkpoint import clean_argv
from recbole_showcase.integration.metrics import figures_of
from recbole_showcase.integration.registry import DATASET_SETTINGS
from recbole_showcase.settings import PREFIXES


class Rehearsal:
    """Builds runs one after the other; those that read the same data share them."""

    def __init__(self) -> None:
        """Nothing is built yet."""
        self._key = ""
        self._train: Any = None

    def figures(self, model: str, dataset: str, config_file: Path) -> list[str]:
        """Find out what RecBole and this package say of the settings of a run.

        Returns:
            The figures that a test of it gives, in lower case.

        Raises:
            ShowcaseError: If the model or a part is not known, or a setting of ours is not usable.
            SettingsError: If RecBole refuses the configuration.
        """
        return figures_of(self._config(model, dataset, config_file).final_config_dict)

    def build(self, model: str, dataset: str, config_file: Path) -> None:
        """Build data, model and trainer, and look at what training and evaluation need.

        Other errors than ours are left to the run, which records them.

        Raises:
            ShowcaseError: If something is not there or does not fit: features, columns, ids, a
                lexicon, a pretrained model, an alignment classifier.
        """
        config = self._config(model, dataset, config_file)
        try:
            self._build(config)
        except ShowcaseError:
            raise
        except Exception as error:
            getLogger().warning(f"{model} on {dataset} cannot be built: {error}")

    def _build(self, config: Any) -> None:
        utils = import_module("recbole.utils")
        config["log_wandb"] = False  # nothing is begun that others would see
        utils.init_seed(config["seed"], config["reproducibility"])
        if self._key != (key := _data_key(config)):
            self._train = None  # before the next is read: there may be room for one only
            data = import_module("recbole.data")
            self._train, *_ = data.data_preparation(config, data.create_dataset(config))
            self._key = key
        built = utils.get_model(config["model"])(config, self._train._dataset)
        trainer = utils.get_trainer(config["MODEL_TYPE"], config["model"])
        trainer(config, built.to(config["device"])).require_needs()

    def _config(self, model: str, dataset: str, config_file: Path) -> Any:
        from recbole.config import Config

        try:
            with clean_argv():
                return Config(model, dataset, config_file_list=[str(config_file)])
        except (TypeError, ValueError, KeyError, NotImplementedError) as error:
            raise SettingsError(f"RecBole refuses the settings of {model}: {error}") from error


def _data_key(config: Any) -> str:
    """Equal for configurations whose data are: that differ in settings of parts alone."""
    final = config.final_config_dict.items()
    ours = [key for key, _ in final if key.startswith(PREFIXES) and key not in DATASET_SETTINGS]
    return repr(sorted((key, repr(value)) for key, value in final if key not in ours))
