"""Write-up 1's model in PyTorch: its layers, its sizes as arguments, and the names of its `state_dict`."""

import torch
from torch import nn


class EmbeddingWithPE(nn.Embedding):
    """A token's vector plus that of its position: sin and cos of position / 10000^(2i/width), side by side, not trained."""

    def __init__(self, vocabulary, width, length):
        super().__init__(vocabulary, width)
        angle = torch.arange(length)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
        self.register_buffer("pe", torch.stack([angle.sin(), angle.cos()], -1).reshape(length, width))

    def forward(self, tokens):
        return super().forward(tokens) + self.pe


class Transformer(nn.Module):
    """Two decoder layers with the norm first, over a memory of zeros; the mask is added to the attention scores."""

    def __init__(self, vocabulary, length=3, width=128, hidden=512, heads=4, layers=2, dropout=0.1):
        super().__init__()
        self.embed = EmbeddingWithPE(vocabulary, width, length)
        layer = nn.TransformerDecoderLayer(width, heads, hidden, dropout, batch_first=True, norm_first=True)
        self.decoder = nn.TransformerDecoder(layer, layers, nn.LayerNorm(width))
        self.linear = nn.Linear(width, vocabulary, bias=False)
        self.mask = nn.Parameter(torch.ones(length, length).tril())

    def forward(self, tokens):
        """Logits at every position, [rows, length, vocabulary]; the answer is read at the last."""
        x = self.embed(tokens)
        return self.linear(self.decoder(x, torch.zeros_like(x), self.mask))
