"""The benchmark's models in JAX on the CPU: as written, and reduced by hand to what the loss depends on.

The whole step, gradient and AdamW included, is one jitted function whose arguments are donated. All train full batch
from the weights and rows that the harness wrote, without validation.
"""

import math
import os

from inputs import parse_arguments, read_inputs
from serve import serve


def gpt_as_written(jnp, nn, tokens, config):
    """The write-up's own arithmetic: one-hot products, every position through everything, the last one read."""
    heads = config["heads"]
    B, T = tokens.shape

    def forward(P):
        vocabulary, C = P["tok_embed"].shape
        x = nn.one_hot(tokens, vocabulary) @ P["tok_embed"] + nn.one_hot(jnp.arange(T), T) @ P["pos_embed"]
        q, k, v = ((x @ P[n]).reshape(B, T, heads, C // heads).transpose(0, 2, 1, 3) for n in ("q", "k", "v"))
        weight = nn.softmax(q @ k.transpose(0, 1, 3, 2) / math.sqrt(C // heads), -1)  # B, heads, T, T
        x = x + (weight @ v).transpose(0, 2, 1, 3).reshape(B, T, C) @ P["head_out"]
        x = x + nn.relu(x @ P["ff1"]) @ P["ff2"]
        return (x.reshape(B * T, C) @ P["out"]).reshape(B, T, -1)[:, -1]

    return forward


def gpt_reduced(jnp, nn, tokens, config):
    """The same function by hand: the last position alone, keys and values once per distinct token and position."""
    heads = config["heads"]
    a, b = tokens[:, 0], tokens[:, 1]
    p = int(tokens[0, 2])  # the token "="

    def forward(P):
        C = P["tok_embed"].shape[1]
        numbers, pos = P["tok_embed"][:p], P["pos_embed"]
        equals = P["tok_embed"][p] + pos[2]
        rows = jnp.concatenate([numbers + pos[0], numbers + pos[1], equals[None]])  # 2p + 1, C
        q = (equals @ P["q"]).reshape(heads, C // heads)
        keys, values = (rows @ P["k"]).reshape(-1, heads, C // heads), rows @ P["v"]
        scores = (keys * q).sum(-1) / math.sqrt(C // heads)  # 2p + 1, heads
        seen = jnp.stack([scores[a], scores[b + p], jnp.broadcast_to(scores[-1], (len(a), heads))])  # 3, B, heads
        weight = jnp.repeat(nn.softmax(seen, 0), C // heads, -1)  # 3, B, C
        mixed = weight[0] * values[a] + weight[1] * values[b + p] + weight[2] * values[-1]
        x = equals + mixed @ P["head_out"]
        x = x + nn.relu(x @ P["ff1"]) @ P["ff2"]
        return x @ P["out"]

    return forward


def mlp_as_written(jnp, nn, tokens, config):
    """One-hot rows of both numbers side by side, one product."""
    p = config["modulus"]

    def forward(P):
        return jnp.square(nn.one_hot(tokens, p).reshape(len(tokens), 2 * p) @ P["fc1"]) @ P["fc2"]

    return forward


def mlp_reduced(jnp, nn, tokens, config):
    """The first product as the sum of two looked-up rows."""
    a, b = tokens[:, 0], tokens[:, 1] + config["modulus"]

    def forward(P):
        return jnp.square(P["fc1"][a] + P["fc1"][b]) @ P["fc2"]

    return forward


FORWARD = {
    ("gpt", "as-written"): gpt_as_written,
    ("gpt", "reduced"): gpt_reduced,
    ("mlp", "as-written"): mlp_as_written,
    ("mlp", "reduced"): mlp_reduced,
}


def open_contender(args):
    # Read when JAX makes its threads, so it has to be set before the import.
    os.environ["NPROC"] = str(args.threads)
    import jax
    import jax.numpy as jnp
    from jax import nn

    inputs = read_inputs(args.inputs)
    config = inputs.config
    tokens, targets = inputs.tokens, inputs.targets
    forward = FORWARD[inputs.model, args.form](jnp, nn, tokens, config)
    rate, decay, (beta1, beta2) = config["learningRate"], config["weightDecay"], config["betas"]

    def loss(P):
        log_probabilities = nn.log_softmax(forward(P), -1)
        return -jnp.take_along_axis(log_probabilities, targets[:, None], 1).mean()

    def step(state):
        P, first, second, t = state
        value, grads = jax.value_and_grad(loss)(P)
        t = t + 1
        first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, grads)
        second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, grads)
        c1, c2 = 1 - beta1**t, 1 - beta2**t
        P = jax.tree.map(
            lambda p, m, v: p - rate * (m / c1 / (jnp.sqrt(v / c2) + 1e-8) + decay * p), P, first, second
        )
        return (P, first, second, t), value

    compiled = jax.jit(step, donate_argnums=0)
    P = {name: jnp.asarray(array) for name, array in inputs.params.items()}
    zeros = lambda: jax.tree.map(jnp.zeros_like, P)  # noqa: E731
    state = (P, zeros(), zeros(), jnp.zeros((), jnp.float32))
    losses = []
    for _ in range(3):
        state, value = compiled(state)
        losses.append(float(value))

    def train(steps):
        nonlocal state
        for _ in range(steps):
            state, _ = compiled(state)
        jax.block_until_ready(state)

    introduction = {
        "name": args.name,
        "versions": {"jax": jax.__version__, "jaxlib": jax.lib.__version__},
        "settings": {"jit": "the whole step, donated"},
        "losses": losses,
    }
    return introduction, train


if __name__ == "__main__":
    arguments = parse_arguments()
    serve(lambda: open_contender(arguments))
