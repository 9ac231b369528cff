"""Trainers of models that want to know which epoch begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole.trainer import Trainer
else:
    Trainer = object


class PreEpochMixin(Trainer):
    """Put before a RecBole trainer class; tells its model of each epoch before it begins."""

    def _train_epoch(self, train_data: Any, epoch_idx: int, *args: Any, **kwargs: Any) -> Any:
        """RecBole's, once the model's ``pre_epoch`` has been called with the epoch's number."""
        self.model.pre_epoch(epoch_idx)
        return super()._train_epoch(train_data, epoch_idx, *args, **kwargs)
