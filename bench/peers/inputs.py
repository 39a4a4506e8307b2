"""The inputs' file that the harness wrote (see bench/presets.mjs), and the command line that all peers share."""

import argparse
import json
from dataclasses import dataclass

import numpy as np
from safetensors import safe_open

BLOCK = ("q", "k", "v", "head_out", "ff1", "ff2")


@dataclass
class Inputs:
    model: str  # "gpt", "decoder" or "mlp"
    config: dict
    tokens: np.ndarray  # [B, T], int32
    targets: np.ndarray  # [B], int32
    params: dict  # arrays by short name: a block's "blocks.0.q" is "q"


def read_inputs(path):
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        names = [name for name in file.keys() if name not in ("tokens", "targets")]
        return Inputs(
            model=metadata["model"],
            config=json.loads(metadata["config"]),
            tokens=file.get_tensor("tokens"),
            targets=file.get_tensor("targets"),
            params={name.removeprefix("blocks.0."): file.get_tensor(name) for name in names},
        )


def parse_arguments(**choices):
    """--name, --inputs, --threads and --form; then --option for each keyword, a flag or a choice from a list."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--form", choices=["as-written", "reduced"], required=True)
    for option, values in choices.items():
        if values is bool:
            parser.add_argument(f"--{option}", action="store_true")
        else:
            parser.add_argument(f"--{option}", choices=values, default=values[0])
    return parser.parse_args()
