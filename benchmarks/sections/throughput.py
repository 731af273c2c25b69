"""Tokens per second of a batch: our base, ours with as many adapters as people, and what else could serve them.

Every turn is two calls with the same batch, one for a single token and one for `tokens` more. The first is prefill;
the difference is decoding, so nobody's own clock has to be trusted. A call before them is not counted: whoever waited
for minutes while others had their turns finds its memory cold, and so would not be slow where it serves.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from benchmarks.common.contestant import Contestant, ContestantFailed
from benchmarks.common.report import Report
from benchmarks.common.rounds import alternate
from benchmarks.common.statistics import Summary, bound, ratio
from benchmarks.common.workload import RANK, Batch, Workload
from benchmarks.sections.field import (
    CPU_PEERS,
    LLAMA,
    LLAMA_Q4,
    MISTRAL,
    MOST_ROWS,
    OURS,
    OURS_AT_RANK,
    PEFT,
    VLLM,
    VLLM_GPU,
)

BASE, ADAPTER = "base", "adapters"
SWITCH = "switch per user"
WORDS = 40
TIMEOUT_S = 600
TRIES = 3
TABLE = "tokens per second"


@dataclass(frozen=True)
class Turn:
    prompt_tokens: int
    completion_tokens: int
    prefill_s: float
    total_s: float
    texts: tuple[str, ...]

    @property
    def prefill(self) -> float:
        return self.prompt_tokens / self.prefill_s

    @property
    def decode(self) -> float:
        """Without the first token of each row, which prefill gives."""
        return (self.completion_tokens - len(self.texts)) / (self.total_s - self.prefill_s)

    @property
    def overall(self) -> float:
        """Prefill included: what people wait for."""
        return self.completion_tokens / self.total_s


Turns = Mapping[str, list[Turn]]


def turn(contestant: Contestant, workload: Workload, batch: Batch, tokens: int, op: str = "write") -> Turn:
    """Raises ContestantFailed, also where a busy machine hides what decoding takes."""

    def ask(count: int) -> tuple[dict[str, object], float]:
        question = workload.question(batch, count) | {"op": op}
        answer = contestant.ask(question, timeout_s=TIMEOUT_S)
        return answer, float(answer["seconds"])

    ask(1)
    for _ in range(TRIES):
        _, prefill_s = ask(1)
        answer, total_s = ask(1 + tokens)
        if total_s > prefill_s:
            break
    else:
        raise ContestantFailed("more tokens took less time: other work on this machine drowns what is measured")
    texts = answer["texts"]
    assert isinstance(texts, list)
    return Turn(
        prompt_tokens=int(str(answer["prompt_tokens"])),
        completion_tokens=int(str(answer["completion_tokens"])),
        prefill_s=prefill_s,
        total_s=total_s,
        texts=tuple(texts),
    )


def measure(
    report: Report,
    field: Mapping[str, Contestant],
    workload: Workload,
    *,
    users: Sequence[int],
    rounds: int,
    tokens: int,
    keep: Callable[[Report], None] = lambda report: None,
) -> None:
    """Rows for every number of `users`, and the figures of 1, 8 and 16 of them that have goals; `keep` sees each."""
    by_users: dict[int, Turns] = {}
    for number in users:
        turns = _turns(field, workload, number, tokens)
        # Whoever serves one person after the other takes minutes; once says enough.
        slow = {name for name in turns if name.startswith(MISTRAL) or name.endswith(SWITCH)} if number > 1 else set()
        if number == users[0]:
            # First passes allocate, and are nobody's speed.
            alternate(turns, 1, failures=report.failures)
            turns = {name: each for name, each in turns.items() if name not in report.failures}
        by_users[number] = alternate(turns, rounds, once=slow, failures=report.failures)
        _rows(report, number, by_users[number], workload.adapter_share)
        _figures(report, by_users, workload.adapter_share)
        keep(report)
    _rewrite(report, field, workload, rounds)


def _turns(
    field: Mapping[str, Contestant], workload: Workload, users: int, tokens: int
) -> dict[str, Callable[[], Turn]]:
    base, mixed = Batch.of(users, WORDS), Batch.of(users, WORDS, adapters=users)

    def taken(name: str, batch: Batch, op: str = "write") -> Callable[[], Turn]:
        return lambda: turn(field[name], workload, batch, tokens, op)

    turns = {f"{OURS}, {BASE}": taken(OURS, base), f"{OURS}, {ADAPTER}": taken(OURS, mixed)}
    if OURS_AT_RANK in field:
        turns[f"{OURS_AT_RANK}, {ADAPTER}"] = taken(OURS_AT_RANK, mixed)
    if users > MOST_ROWS:
        return turns
    for name in field:
        if name in (OURS, OURS_AT_RANK) or (name == LLAMA_Q4 and users > 1):
            continue
        if name in (VLLM, VLLM_GPU) or users == 1:
            turns[f"{name}, {BASE}"] = taken(name, base)
        turns[f"{name}, {ADAPTER}"] = taken(name, mixed)
        if name == PEFT and users > 1:
            turns[f"{name}, {SWITCH}"] = taken(name, mixed, "switch")
    return turns


def _rows(report: Report, users: int, turns: Turns, share: float) -> None:
    limit = bound(users, share)
    ours, reference = turns[f"{OURS}, {BASE}"], turns.get(f"{OURS}, {ADAPTER}", [])
    for name, taken in turns.items():
        is_mixed = name in (f"{OURS}, {ADAPTER}", f"{OURS_AT_RANK}, {ADAPTER}")
        of_base = ratio([each.decode for each in taken], [each.decode for each in ours])
        read = ratio([each.prefill for each in taken], [each.prefill for each in ours])
        report.row(
            TABLE,
            users=users,
            who=name,
            prefill=Summary.of([each.prefill for each in taken]),
            prefill_of_our_base=read,
            prefill_share_of_limit=read.times(1 / bound(1, share)) if is_mixed else None,
            decode=Summary.of([each.decode for each in taken]),
            overall=Summary.of([each.overall for each in taken]),
            of_our_base=of_base,
            limit=limit if is_mixed else None,
            share_of_limit=of_base.times(1 / limit) if is_mixed else None,
            same_text=_agreement(taken, reference) if reference and name.endswith((ADAPTER, SWITCH)) else None,
        )


def _agreement(theirs: list[Turn], ours: list[Turn]) -> str:
    """How many rows read as ours do, of those whose passage has no name: proof that adapters were converted right."""
    pairs = list(zip(theirs[0].texts, ours[0].texts, strict=True))[::2]
    return f"{sum(_told(a) == _told(b) for a, b in pairs)}/{len(pairs)}"


def _told(text: str) -> str:
    return " ".join(text.removeprefix("Rewritten:").split())


def _figures(report: Report, by_users: Mapping[int, Turns], share: float) -> None:
    def of(users: int, name: str, figure: str = "overall") -> list[float]:
        return [getattr(each, figure) for each in by_users.get(users, {}).get(name, [])]

    def times(above: list[float], below: list[float]) -> Summary | None:
        return ratio(above, below) if above and below else None

    def worst(found: Iterable[Summary | None]) -> Summary | None:
        return min((each for each in found if each is not None), key=attrgetter("median"), default=None)

    ours, base = f"{OURS}, {ADAPTER}", f"{OURS}, {BASE}"
    crowd = 16
    for suffix, name in (("", ours), (f"_rank_{RANK}", f"{OURS_AT_RANK}, {ADAPTER}")):
        kept = times(of(crowd, name, "decode"), of(crowd, base, "decode"))
        report.keys[f"mixed_decode_share_of_bound{suffix}"] = kept and kept.times(1 / bound(crowd, share))
    prefills = [times(of(users, ours, "prefill"), of(users, base, "prefill")) for users in by_users if users >= 8]
    report.keys["mixed_prefill_ratio"] = worst(prefills)
    report.keys["vs_peft_adapter_names"] = times(of(crowd, ours), of(crowd, f"{PEFT}, {ADAPTER}"))
    report.keys["vs_peft_switch"] = times(of(crowd, ours), of(crowd, f"{PEFT}, {SWITCH}"))
    report.keys["crowd_over_one"] = times(of(crowd, ours), of(1, ours))
    rivals = [times(of(crowd, ours), of(crowd, f"{name}, {ADAPTER}")) for name in CPU_PEERS]
    report.keys["vs_best_cpu_peer"] = worst(rivals)
    report.keys["base16_vs_vllm_cpu"] = times(of(crowd, base, "decode"), of(crowd, f"{VLLM}, {BASE}", "decode"))
    report.keys["vs_vllm_gpu"] = times(of(crowd, ours), of(crowd, f"{VLLM_GPU}, {ADAPTER}"))
    report.keys["base16_vs_vllm_gpu"] = times(of(crowd, base, "decode"), of(crowd, f"{VLLM_GPU}, {BASE}", "decode"))


def _rewrite(report: Report, field: Mapping[str, Contestant], workload: Workload, rounds: int) -> None:
    """One person, one text of 40 words, from the request to the whole answer, as long as the text is."""
    batch = Batch.of(1, WORDS, adapters=1)

    def taken(contestant: Contestant) -> Callable[[], tuple[float, str]]:
        def ask() -> tuple[float, str]:
            contestant.ask(workload.question(batch, None), timeout_s=TIMEOUT_S)  # not counted: as in every other turn
            started = time.perf_counter()
            answer = contestant.ask(workload.question(batch, None), timeout_s=TIMEOUT_S)
            return time.perf_counter() - started, _told(answer["texts"][0])

        return ask

    turns = {name: taken(field[name]) for name in field}
    results = alternate(turns, rounds, failures=report.failures)
    seconds = {name: [each[0] for each in taken] for name, taken in results.items()}
    for name, values in seconds.items():
        report.row(
            "one person, one rewrite",
            who=name,
            seconds=Summary.of(values),
            beside_ours=ratio(values, seconds[OURS]),
            same_text=results[name][0][1] == results[OURS][0][1],
        )
    for key, name in (("one_user_vs_llama_cpp", LLAMA), ("one_user_vs_llama_cpp_q4", LLAMA_Q4)):
        report.keys[key] = ratio(seconds[name], seconds[OURS]) if name in seconds else None
