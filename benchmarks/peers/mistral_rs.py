"""mistral.rs from Python. Its calls cannot overlap (a second one raises "Already borrowed"), so rows take turns."""

import importlib
import time

from benchmarks.common.worker import Answer, Message, serve


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    mistral = importlib.import_module("mistralrs")
    from importlib.metadata import version

    dtype = {"float32": mistral.ModelDType.F32, "bfloat16": mistral.ModelDType.BF16}[setup["dtype"]]
    runner = mistral.Runner(
        which=mistral.Which.Lora(
            model_id=setup["mistral_base"],
            adapters=[],
            arch=mistral.Architecture.Llama,
            dtype=dtype,
            max_adapters=len(setup["peft"]),
        ),
        prefix_cache_n=0,
        no_paged_attn=True,
    )
    for number, folder in enumerate(setup["peft"]):
        runner.load_lora_adapter(str(number), folder)

    def write(question: Message) -> Message:
        tokens = question["tokens"]
        started = time.perf_counter()
        answers = [
            runner.send_completion_request(
                mistral.CompletionRequest(
                    prompt=prompt,
                    model="default",
                    max_tokens=tokens or setup["most_tokens"],
                    temperature=0.0,
                    ignore_eos=tokens is not None,
                    adapter=None if adapter is None else str(adapter),
                )
            )
            for prompt, adapter in zip(question["prompts"], question["adapters"], strict=True)
        ]
        return {
            "seconds": time.perf_counter() - started,
            "texts": [answer.choices[0].text for answer in answers],
            "prompt_tokens": sum(answer.usage.prompt_tokens for answer in answers),
            "completion_tokens": sum(answer.usage.completion_tokens for answer in answers),
        }

    return write, {"dtype": setup["dtype"], "version": version("mistralrs")}


if __name__ == "__main__":
    serve(open_contestant)
