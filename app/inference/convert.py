"""From packed weights to a transformers folder in bfloat16, and an adapter into the weights it was trained on.

Run as `python -m app.inference.convert gguf FILE FOLDER` or `… merge BASE ADAPTER FOLDER`: dequantising takes a
gigabyte that a long-lived process should not keep.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from app.inference import adapter_file
from app.inference.adapter_file import Adapter
from app.inference.architecture import Architecture, Shape, load_shape
from app.inference.card import CARD, VOLATILE, read_card, weight_files


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write weights, configuration and tokenizer of a GGUF file of the Llama family into `folder`."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)
    path = folder / "config.json"
    config = {key: value for key, value in json.loads(path.read_text()).items() if key not in VOLATILE}
    config |= {"architectures": ["LlamaForCausalLM"], "dtype": "bfloat16"}
    path.write_text(json.dumps(config, indent=2) + "\n")


def merge(base: Path, adapter_path: Path, folder: Path) -> None:
    """Write the base with the adapter, without its voices, added to its weights into `folder`.

    Raises InvalidAdapter if it does not fit.
    """
    shape = load_shape(base)
    adapter = adapter_file.unpack(adapter_path.read_bytes(), shape, base_digest=read_card(base).digest)
    weights = {path.name for path in weight_files(base)}
    for path in base.iterdir():
        if path.is_file() and path.name not in weights | {CARD}:
            shutil.copyfile(path, folder / path.name)
    if isinstance(shape, Architecture):
        _merge_files(base, adapter, shape, folder)
    else:
        _merge_modules(base, adapter, shape, folder)


def _merge_files(base: Path, adapter: Adapter, architecture: Architecture, folder: Path) -> None:
    """Tensor by tensor, so that nothing else in the files changes."""
    for path in weight_files(base):
        tensors = load_file(path)
        for module, product in _products(adapter, architecture):
            if (name := f"{module}.weight") in tensors:
                tensors[name] = (tensors[name].double() + product()).to(tensors[name].dtype)
        save_file(tensors, folder / path.name, metadata={"format": "pt"})


def _merge_modules(base: Path, adapter: Adapter, shape: Shape, folder: Path) -> None:
    """In the modules that transformers makes of the files, whose names need not be the files' own."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype="auto", use_safetensors=True, trust_remote_code=False)
    for module, product in _products(adapter, shape):
        weight = model.get_submodule(module).weight
        added = product().T if shape.fan_in_fan_out else product()
        with torch.no_grad():
            weight.copy_(weight.double() + added)
    for index in folder.glob("*.index.json"):
        index.unlink()  # what lies in which file is decided anew
    model.save_pretrained(folder)


def _products(adapter: Adapter, shape: Shape) -> Iterator[tuple[str, Callable[[], Tensor]]]:
    """Module by module scale * B @ A, to be computed where it is wanted.

    In float64, so that processors that add in another order still round to the same weights and the same digest.
    """
    for group, down in adapter.down.items():
        linear = shape.fused[group]
        for layer in range(shape.layers):
            downs = torch.split(down[layer].double(), adapter.rank)
            ups = torch.split(adapter.up[group][layer].double() * adapter.scale, list(linear.outputs))
            for part, a, b in zip(linear.parts, downs, ups, strict=True):
                yield shape.module(layer, part), partial(torch.mm, b, a)


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    paths = [Path(argument) for argument in arguments]
    try:
        if action == "gguf":
            convert_gguf(*paths)
        else:
            merge(*paths)
    except ValueError as error:
        sys.exit(f"{action}: {error}")
