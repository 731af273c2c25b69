"""llama.cpp through `xllamacpp`: its own server, in process, asked by as many threads as there are people."""

import importlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.common.worker import Answer, Message, serve


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    llama = importlib.import_module("xllamacpp")
    rows, most = setup["rows"], setup["context"]
    parameters = llama.CommonParams()
    parameters.model.path = setup["gguf"]
    parameters.n_parallel, parameters.n_ctx = rows, rows * most
    parameters.n_gpu_layers = 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = setup["threads"]
    # Threads that poll would take the cores from whoever's turn it is.
    parameters.cpuparams.poll = parameters.cpuparams_batch.poll = 0
    parameters.cache_ram_mib = 0
    parameters.lora_adapters = [llama.CommonAdapterLoraInfo(path, 1.0) for path in setup["loras"]]
    parameters.lora_init_without_apply = True
    server = llama.Server(parameters)
    pool = ThreadPoolExecutor(rows)

    def one(ids: list[int], adapter: int | None, tokens: int | None) -> dict[str, Any]:
        answer: dict[str, Any] = server.handle_completions(
            {
                "prompt": ids,
                "max_tokens": tokens or setup["most_tokens"],
                "temperature": 0.0,
                "ignore_eos": tokens is not None,
                "cache_prompt": False,
                "lora": [
                    {"id": number, "scale": 1.0 if number == adapter else 0.0} for number in range(len(setup["loras"]))
                ],
            }
        )
        if "choices" not in answer:
            raise RuntimeError(f"llama.cpp answered {answer}")
        return answer

    def write(question: Message) -> Message:
        started = time.perf_counter()
        rows = [
            pool.submit(one, ids, adapter, question["tokens"])
            for ids, adapter in zip(question["ids"], question["adapters"], strict=True)
        ]
        answers = [row.result() for row in rows]
        return {
            "seconds": time.perf_counter() - started,
            "texts": [answer["choices"][0]["text"] for answer in answers],
            "prompt_tokens": sum(answer["usage"]["prompt_tokens"] for answer in answers),
            "completion_tokens": sum(answer["usage"]["completion_tokens"] for answer in answers),
        }

    return write, {"dtype": setup["kind"], "version": llama.__version__, "build": str(llama.get_system_info())}


if __name__ == "__main__":
    serve(open_contestant)
