"""Plain everyday messages: prompts to practise on, and the zero point of every style measurement."""

import json
from functools import lru_cache
from pathlib import Path


@lru_cache
def neutral_prompts() -> tuple[str, ...]:
    lines = (Path(__file__).parent / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line)["text"] for line in lines)
