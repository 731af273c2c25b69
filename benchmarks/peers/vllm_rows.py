"""vLLM, on processors or on a GPU: one `generate` call for the whole batch, a LoRA request per row."""

import importlib
import os
import time

from benchmarks.common.worker import Answer, Message, serve

GPU_SHARE = 0.3
"""Of the GPU's memory: the others are there at the same time."""


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    is_cpu = setup["device"] == "cpu"
    # In this process: a second one would compete for the same cores.
    os.environ |= {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
    vllm = importlib.import_module("vllm")
    requests = importlib.import_module("vllm.lora.request")
    folders: list[str] = setup["peft"]
    engine = vllm.LLM(
        model=setup["base"],
        dtype=setup["dtype"],
        enable_lora=True,
        max_loras=len(folders),
        max_lora_rank=setup["rank"],
        max_num_seqs=setup["rows"],
        max_model_len=setup["context"],
        enable_prefix_caching=False,
        # A processor compiles nothing where LoRA is enabled; a GPU has its graphs, and others beside it.
        **({"enforce_eager": True} if is_cpu else {"gpu_memory_utilization": GPU_SHARE}),
    )

    def write(question: Message) -> Message:
        tokens = question["tokens"]
        sampling = vllm.SamplingParams(
            temperature=0.0, max_tokens=tokens or setup["most_tokens"], ignore_eos=tokens is not None
        )
        prompts = [{"prompt_token_ids": ids} for ids in question["ids"]]
        adapters = [
            None if adapter is None else requests.LoRARequest(str(adapter), adapter + 1, folders[adapter])
            for adapter in question["adapters"]
        ]
        started = time.perf_counter()
        answers = engine.generate(prompts, sampling, lora_request=adapters, use_tqdm=False)
        return {
            "seconds": time.perf_counter() - started,
            "texts": [answer.outputs[0].text for answer in answers],
            "prompt_tokens": sum(len(answer.prompt_token_ids) for answer in answers),
            "completion_tokens": sum(len(answer.outputs[0].token_ids) for answer in answers),
        }

    return write, {"dtype": setup["dtype"], "version": vllm.__version__}


if __name__ == "__main__":
    serve(open_contestant)
