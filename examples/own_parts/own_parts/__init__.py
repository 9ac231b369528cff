"""Parts of one's own: an explainer, a relevance model, a selector and a metric."""

from dataclasses import dataclass

from torch import nn

from recbole_showcase import register
from recbole_showcase.explainers import Explainer, greedy_texts, masked_mean, next_token_loss
from recbole_showcase.relevance import RelevanceModel
from recbole_showcase.selectors import ImageSelector


@dataclass(frozen=True)
class PhotoGRUSettings:
    """Settings with their defaults; a configuration sets ``explainer_width``."""

    explainer_width: int = 64


@register("photo_gru")
class PhotoGRU(Explainer):
    """A GRU that starts from the mean photo."""

    Settings = PhotoGRUSettings
    loss_names = ("cross_entropy",)

    def __init__(self, settings, inputs, tokenizer):
        super().__init__(settings, inputs, tokenizer)
        width = settings.explainer_width
        self.look = nn.Linear(inputs.photo_statistics.shape[1], width)
        self.words = nn.Embedding(len(tokenizer), width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, len(tokenizer))

    def forward(self, batch, user_vectors, item_vectors):
        hidden, _ = self.gru(self.words(batch.tokens[:, :-1]), self.start(batch))
        return (next_token_loss(self.output(hidden), batch),)

    def generate(self, batch, user_vectors, item_vectors):
        def step(tokens, state):
            hidden, state = self.gru(self.words(tokens).unsqueeze(1), state)
            return self.output(hidden).squeeze(1), state

        start = self.start(batch)
        return greedy_texts(step, start, batch, self.tokenizer, self.inputs.max_tokens)

    def start(self, batch):
        return self.look(masked_mean(batch.photo_features, batch.photo_mask)).unsqueeze(0)


@register("newest")
class Newest(RelevanceModel):
    """The later a photo was posted, the more relevant; photos are in the order of posting."""

    def forward(self, batch, user_vectors, item_vectors):
        return batch.candidates.float().masked_fill(~batch.candidate_mask, 0.0)


@register("first")
class First(ImageSelector):
    """The first photos, whatever they are."""

    def choose(self, relevance, features, mask, k, keys):
        return mask.int().sort(dim=1, descending=True, stable=True).indices[:, :k]


@register("MeanWords")
def mean_words(evaluation):
    return [len(text.split()) for text in evaluation.texts]
