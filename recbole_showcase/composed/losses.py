"""How a trainer tells of its losses: each under its name, wherever RecBole writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recbole.trainer import Trainer
else:
    Trainer = object


class NamedLosses(Trainer):
    """A RecBole trainer of a composed model, as far as losses have names."""

    def _loss_names(self, losses: tuple[float, ...]) -> list[str]:
        own = self.model.showcase.loss_names
        n_base = len(losses) - len(own)
        base = (
            ["recommendation"]
            if n_base == 1
            else [f"recommendation {number}" for number in range(1, n_base + 1)]
        )
        return [*base, *(name.replace("_", " ") for name in own)]

    def _generate_train_loss_output(
        self, epoch_idx: int, s_time: float, e_time: float, losses: tuple[float, ...]
    ) -> str:
        """RecBole's line with the names of the losses in place of their numbers."""
        line = super()._generate_train_loss_output(epoch_idx, s_time, e_time, losses)
        for number, name in reversed(list(enumerate(self._loss_names(losses), start=1))):
            line = line.replace(f"train_loss{number}", f"{name} loss")
        return line

    def _add_train_loss_to_tensorboard(
        self, epoch_idx: int, losses: tuple[float, ...], tag: str = "Loss/Train"
    ) -> None:
        """Each loss under its name, in TensorBoard and, where it is used, in Weights & Biases."""
        named = dict(zip(self._loss_names(losses), losses, strict=True))
        for name, loss in named.items():
            self.tensorboard.add_scalar(f"{tag} {name}", loss, epoch_idx)
        steps = {f"{name} loss": loss for name, loss in named.items()} | {"train_step": epoch_idx}
        self.wandblogger.log_metrics(steps, head="train", commit=False)
