"""PEFT on transformers: `adapter_names` mixes adapters in one batch, `set_adapter` serves people one by one."""

import time
from typing import Any, Final

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.common.worker import Answer, Message, serve

BASE = "__base__"
"""What PEFT calls rows without an adapter."""
ADAPTERS: Final = {"autocast_adapter_dtype": False, "low_cpu_mem_usage": True}
"""Adapters compute in the base's dtype, as everybody's do, and are filled from the file only, not at random first."""
PADDING = 0
"""Any token will do where the mask hides it."""


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    torch.set_num_threads(setup["threads"])
    tokenizer = AutoTokenizer.from_pretrained(setup["base"])
    device = setup["device"]
    plain = AutoModelForCausalLM.from_pretrained(setup["base"], dtype=getattr(torch, setup["dtype"])).to(device)
    folders: list[str] = setup["peft"]
    model = PeftModel.from_pretrained(plain, folders[0], adapter_name="0", **ADAPTERS)
    for number, folder in enumerate(folders[1:], start=1):
        model.load_adapter(folder, adapter_name=str(number), **ADAPTERS)
    model.eval()

    named = plain.generation_config.eos_token_id
    stops = set(named if isinstance(named, list) else [named])

    @torch.inference_mode()
    def generate(ids: list[list[int]], tokens: int | None, **how: Any) -> list[list[int]]:
        longest = max(map(len, ids))
        inputs = torch.tensor([[PADDING] * (longest - len(row)) + row for row in ids], device=device)
        seen = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in ids], device=device)
        limits = {"max_new_tokens": tokens or setup["most_tokens"], "min_new_tokens": tokens or 0}
        rows = model.generate(
            input_ids=inputs, attention_mask=seen, do_sample=False, pad_token_id=PADDING, **limits, **how
        )
        return [_until(row, set() if tokens else stops) for row in rows[:, longest:].tolist()]

    def write(question: Message) -> Message:
        if question["op"] == "load":
            started = time.perf_counter()
            model.load_adapter(question["folder"], adapter_name="cold", **ADAPTERS)
            seconds = time.perf_counter() - started
            model.delete_adapter("cold")
            return {"seconds": seconds}
        prompts, tokens = question["ids"], question["tokens"]
        names = [BASE if adapter is None else str(adapter) for adapter in question["adapters"]]
        started = time.perf_counter()
        if question["op"] == "switch":
            rows = []
            for prompt, name in zip(prompts, names, strict=True):
                model.set_adapter(name)
                rows += generate([prompt], tokens)
        elif set(names) == {BASE}:
            with model.disable_adapter():
                rows = generate(prompts, tokens)
        else:
            rows = generate(prompts, tokens, adapter_names=names)
        seconds = time.perf_counter() - started
        return {
            "seconds": seconds,
            "texts": tokenizer.batch_decode(rows, skip_special_tokens=True),
            "prompt_tokens": sum(map(len, prompts)),
            "completion_tokens": sum(map(len, rows)),
        }

    import peft

    return write, {"dtype": setup["dtype"], "version": peft.__version__}


def _until(ids: list[int], ends: set[int]) -> list[int]:
    """With the token that ended it."""
    for place, word in enumerate(ids):
        if word in ends:
            return ids[: place + 1]
    return ids


if __name__ == "__main__":
    serve(open_contestant)
