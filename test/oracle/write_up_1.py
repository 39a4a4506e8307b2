# Write-up 1's own model and data code, verbatim but for a dropout argument
import numpy as np, torch, torch.nn.functional as F
from torch import Tensor
from typing import Optional
class EmbeddingWithPE(torch.nn.Embedding):
    def __init__(self, num_embeddings: int, embedding_dim: int, seq_len: int, N: int= 10_000,
            padding_idx: Optional[int] = None, max_norm: Optional[float] = None,
            norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool=False,
            device: Optional[torch.device] = None, dtype: Optional[torch.dtype] = None
        ):
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type,
            scale_grad_by_freq, sparse, device, dtype
        )
        pe = torch.zeros((seq_len, embedding_dim))
        buf = torch.arange(embedding_dim//2)
        denom = torch.pow(N, (2*buf)/embedding_dim)
        k = torch.arange(seq_len)
        pe[k, ::2] = torch.sin(k.unsqueeze(1)/denom)
        pe[k, 1::2] = torch.cos(k.unsqueeze(1)/denom)
        self.register_buffer("pe", pe)
    def forward(self, x: Tensor) -> Tensor:
        return F.embedding(
            x, self.weight, self.padding_idx, self.max_norm,
            self.norm_type, self.scale_grad_by_freq, self.sparse) + self.pe
class Transformer(torch.nn.Module):
    def __init__(self, seq_length: int, num_embeddings: int, d_model: int, dim_feedforward: int = 2048, dropout=0.1):
        super().__init__()
        self.d_model = d_model
        self.num_embeddings = num_embeddings
        self.embed = EmbeddingWithPE(
            self.num_embeddings, self.d_model, seq_length)
        decoder_layer = torch.nn.TransformerDecoderLayer(self.d_model, nhead=4, dim_feedforward=dim_feedforward,
                                        dropout=dropout, batch_first=True, norm_first=True)
        decoder_norm = torch.nn.LayerNorm(self.d_model)
        self.decoder = torch.nn.TransformerDecoder(
            decoder_layer, num_layers=2, norm=decoder_norm)
        self.linear = torch.nn.Linear(
            self.d_model, self.num_embeddings, bias=False)
        self.mask = torch.nn.Parameter(
            torch.ones([seq_length, seq_length]).tril())
    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        x = self.decoder.forward(x, torch.zeros_like(x), self.mask)
        return self.linear(x)
    def acc(self, prediction: Tensor, labels: Tensor):
        return (torch.argmax(prediction, dim=-2) == labels).float().mean()
def gen_data(n_training_data, p):
    all_data = []
    for i in range(p):
        for j in range(p):
           all_data.append([i,j,(i+j)%p])
    all_data = np.array(all_data)
    indices = np.random.permutation(all_data.shape[0])
    tr = indices[:n_training_data]; va = indices[n_training_data:]
    inp = all_data.copy(); out = inp.copy(); inp[:, -1] = 0
    T = lambda a: Tensor(a).long()
    return (T(inp[tr]), T(out[tr])), (T(inp[va]), T(out[va]))
