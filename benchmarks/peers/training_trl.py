"""TRL's GRPOTrainer as Dr.GRPO. The trainer owns the loop, so a callback stops it before each step until asked."""

import importlib
import os
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.common.reward import vowels
from benchmarks.common.worker import Channel, Message, told


def run(channel: Channel, questions: Iterator[Message]) -> None:
    """Train until nobody asks any more."""
    setup = next(questions)
    torch, trl, peft = (importlib.import_module(name) for name in ("torch", "trl", "peft"))
    datasets, transformers = importlib.import_module("datasets"), importlib.import_module("transformers")
    torch.set_num_threads(setup["threads"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(setup["base"], padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    seen = {"completion_tokens": 0, "reward": 0.0, "sampled": 0.0}

    def reward(completions: list[str], completion_ids: list[list[int]], **_rest: Any) -> list[float]:
        rewards = vowels(completions)
        seen["completion_tokens"] = sum(map(len, completion_ids))
        seen["reward"] = sum(rewards) / len(rewards)
        seen["sampled"] = time.perf_counter()
        return rewards

    class Turns(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        started = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            if next(questions, None) is None:
                os._exit(0)
            self.started = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            ended = time.perf_counter()
            channel.say(
                {
                    "seconds": ended - self.started,
                    "sampling": seen["sampled"] - self.started,
                    "completion_tokens": seen["completion_tokens"],
                    "reward": seen["reward"],
                }
            )

    with tempfile.TemporaryDirectory() as folder:
        config = trl.GRPOConfig(
            output_dir=folder,
            loss_type="dr_grpo",
            scale_rewards="none",
            beta=0.0,
            per_device_train_batch_size=setup["prompts"] * setup["group"],
            num_generations=setup["group"],
            max_completion_length=setup["tokens"],
            generation_kwargs={"min_new_tokens": setup["tokens"]},
            max_steps=setup["steps"],
            learning_rate=setup["learning_rate"],
            lr_scheduler_type="constant",
            gradient_checkpointing=False,
            bf16=setup["dtype"] == "bfloat16",
            use_cpu=setup["device"] == "cpu",
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        model = transformers.AutoModelForCausalLM.from_pretrained(setup["base"], dtype=getattr(torch, setup["dtype"]))
        trainer = trl.GRPOTrainer(
            model=model,
            processing_class=tokenizer,
            reward_funcs=reward,
            args=config,
            train_dataset=datasets.Dataset.from_dict({"prompt": setup["prompt_texts"]}),
            peft_config=peft.LoraConfig(
                r=setup["rank"], lora_alpha=setup["alpha"], target_modules="all-linear", task_type="CAUSAL_LM"
            ),
            callbacks=[Turns()],
        )
        channel.say({"dtype": setup["dtype"], "version": trl.__version__})
        trainer.train()


if __name__ == "__main__":
    talk = Channel()
    try:
        run(talk, talk.questions())
    except Exception as error:
        talk.say({"error": told(error)})
        raise
