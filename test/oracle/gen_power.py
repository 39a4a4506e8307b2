# The model released with Power et al. 2022, restated with PyTorch's own attention and normalisation: post-norm, causal,
# ReLU, no biases in the matrices; forms "a op b =" (one answer) and "EOS a op b = c" (two).
from common import *

V, D, H, FF, LAYERS, B = 11, 8, 2, 16, 2, 6
torch.manual_seed(4321)
draw = lambda *shape: torch.randn(*shape) * 0.4
W = {'embedding.weight': torch.randn(V, D)}
for i in range(LAYERS):
    block = f'decoder.blocks.{i}'
    for m in ('Wq', 'Wk', 'Wv', 'Wo'):
        W[f'{block}.self_attn.{m}.weight'] = draw(D, D)
    W[f'{block}.self_attn_norm.weight'] = 1 + draw(D)
    W[f'{block}.self_attn_norm.bias'] = draw(D)
    W[f'{block}.ffn.ffn.0.weight'] = draw(FF, D)
    W[f'{block}.ffn.ffn.2.weight'] = draw(D, FF)
    W[f'{block}.ffn_norm.weight'] = 1 + draw(D)
    W[f'{block}.ffn_norm.bias'] = draw(D)
W['linear.weight'] = draw(V, D)


def encoding(length):
    angle = torch.arange(length, dtype=torch.float64)[:, None] / 10000 ** (torch.arange(0, D, 2, dtype=torch.float64) / D)
    return torch.stack([angle.sin(), angle.cos()], -1).reshape(length, D)


def logits(w, x):
    h = F.embedding(x, w['embedding.weight']) + encoding(x.shape[1]).to(w['linear.weight'].dtype)
    heads = lambda t: t.unflatten(-1, (H, D // H)).transpose(1, 2)
    for i in range(LAYERS):
        p = lambda name: w[f'decoder.blocks.{i}.{name}']
        q, k, v = (heads(F.linear(h, p(f'self_attn.{m}.weight'))) for m in ('Wq', 'Wk', 'Wv'))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        h = F.layer_norm(h + F.linear(mixed, p('self_attn.Wo.weight')), (D,), p('self_attn_norm.weight'), p('self_attn_norm.bias'))
        change = F.linear(F.linear(h, p('ffn.ffn.0.weight')).relu(), p('ffn.ffn.2.weight'))
        h = F.layer_norm(h + change, (D,), p('ffn_norm.weight'), p('ffn_norm.bias'))
    return F.linear(h, w['linear.weight'])


a, b, c = torch.randint(0, 7, (3, B))
token = lambda t: torch.full((B,), t)
OP, EQUALS, EOS = 7, 8, 9
FORMS = {
    'equation': (torch.stack([a, token(OP), b, token(EQUALS)], 1), c[:, None]),
    'equation_eos': (torch.stack([token(EOS), a, token(OP), b, token(EQUALS), c], 1), torch.stack([c, token(EOS)], 1)),
}
T = {f'w.{name}': w for name, w in W.items()}
for form, (x, y) in FORMS.items():
    w = {name: t.double().requires_grad_() for name, t in W.items()}
    answers = logits(w, x)[:, -y.shape[1]:]                     # (rows, answers, V)
    loss = F.cross_entropy(answers.flatten(0, 1), y.flatten())
    loss.backward()
    T |= {f'{form}.x': x, f'{form}.y': y, f'f64.{form}.logits': answers, f'f64.{form}.loss': loss[None]}
    T |= {f'f64.{form}.grad.{name}': t.grad for name, t in w.items()}
save('power', T, dict(vocabulary=V, dModel=D, heads=H, dFF=FF, layers=LAYERS, rows=B))
