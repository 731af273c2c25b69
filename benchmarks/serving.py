"""Serving many people's adapters from one base, beside what else could: `python -m benchmarks.serving`.

README.md says how to read the table; the goals and the reasons for the limits are in the figures' own rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.config import get_settings
from benchmarks.common import command
from benchmarks.common.contestant import Contestant
from benchmarks.common.machine import describe, device
from benchmarks.common.report import Report
from benchmarks.common.workload import RANK, Workload
from benchmarks.sections import registration, residency, throughput
from benchmarks.sections.field import OURS, PEERS_BY_DEVICE, PEFT, Field

SECTIONS = ("throughput", "residency", "registration")
GOALS = {
    "mixed_decode_share_of_bound": ">= 0.90",
    "mixed_prefill_ratio": ">= 0.95",
    "vs_peft_adapter_names": ">= 5",
    "vs_best_cpu_peer": ">= 2",
    "base16_vs_vllm_cpu": ">= 1.3",
    "one_user_vs_llama_cpp": ">= 1.0",
    "cold_load_p50_ms": "<= 5",
    "cold_load_p99_ms": "<= 10",
    "cold_load_vs_peft": ">= 80",
    "cold_minus_warm_ttft_ms": "<= 6",
    "p99_twice_the_slots": "<= 1.2",
    "p50_10000_over_10": "<= 1.05",
    "slot_bytes_over_adapter": "<= 1.05",
}
ABOUT = (
    "Every ratio is taken between turns of the same round; the spread behind a median is the whole range.",
    "Everybody gets the same base, dtype, adapters, prompts, token counts and threads; greedy, end of text ignored.",
    "The limit of mixed decoding is 1 / (1 + N a): N adapters, each with a share a of the base's bytes.",
    "llama.cpp comes from a wheel built for any x86-64 with AVX2; built on the machine itself it may be faster.",
    "llama.cpp runs people with different adapters one after the other by design; mistral.rs is asked one after the "
    "other, since its Python calls cannot overlap.",
)


@dataclass(frozen=True)
class Plan:
    users: Sequence[int]
    tokens: int
    """Decoded per row in a turn, beside the first."""
    rounds: int
    adapters: int
    """Distinct files on disk."""
    residency: residency.Scale
    registration: registration.Scale


FULL = Plan(
    users=(1, 8, 16, 32),
    tokens=32,
    rounds=3,
    adapters=1000,
    residency=residency.Scale(
        cold_files=200, peft_loads=20, first_tokens=30, clients=16, requests=48, tokens=8, rounds=3
    ),
    registration=registration.Scale(few=10, many=10_000, files=200, requests=40, tokens=8, rounds=3),
)
QUICK = Plan(
    users=(1, 8),
    tokens=8,
    rounds=1,
    adapters=24,
    residency=residency.Scale(cold_files=24, peft_loads=5, first_tokens=3, clients=8, requests=16, tokens=4, rounds=1),
    registration=registration.Scale(few=10, many=1000, files=20, requests=6, tokens=2, rounds=1),
)


def run(
    plan: Plan,
    base: Path,
    folder: Path,
    *,
    threads: int,
    peers: Sequence[str],
    sections: Sequence[str] = SECTIONS,
    keep: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Measure; whatever cannot run is named in the report and leaves its figures None.

    `keep` is called with what there is whenever something was added, so that half an hour's work survives an end.
    """
    import torch

    from app.inference.architecture import Architecture
    from app.inference.bank import Bank
    from app.inference.loader import served_rank
    from app.inference.model import best_dtype

    torch.set_num_threads(1)  # here; those who are measured have theirs
    report = Report("serving", describe(threads), list(ABOUT), dict.fromkeys(GOALS), GOALS)
    workload = Workload.make(base, folder, adapters=max(plan.adapters, *plan.users))
    dtype, architecture = best_dtype(device()), Architecture.load(base)
    numbers = workload.adapter_share * architecture.parameters
    served = served_rank(get_settings(), architecture.parameters)
    for key, rank in (("slot_bytes_over_adapter", RANK), ("served_slot_bytes_over_adapter", served)):
        report.keys[key] = Bank.bytes_per_slot(architecture, rank, dtype) / (numbers * dtype.itemsize)
    report.details |= {
        "base": base.name,
        "dtype": str(dtype).removeprefix("torch."),
        "rank": RANK,
        "served_rank": served,
        "adapter_share": workload.adapter_share,
        "tokens": plan.tokens,
        "rounds": plan.rounds,
    }
    field: dict[str, Contestant] = {}
    try:
        if "throughput" in sections or PEFT in peers:
            field = _started(report, plan, workload, folder, threads, peers)
        if "throughput" in sections:
            throughput.measure(
                report, field, workload, users=plan.users, rounds=plan.rounds, tokens=plan.tokens, keep=keep
            )
        for name in [name for name in field if name != PEFT]:
            field.pop(name).stop()
        if "residency" in sections:
            residency.measure(report, workload, plan.residency, threads=threads, peft=field.get(PEFT), keep=keep)
    finally:
        for contestant in field.values():
            contestant.stop()
    if "registration" in sections:
        registration.measure(report, workload, plan.registration, threads=threads)
    keep(report)
    return report


def _started(
    report: Report, plan: Plan, workload: Workload, folder: Path, threads: int, peers: Sequence[str]
) -> dict[str, Contestant]:
    field, failures = Field(
        workload, venvs=folder / "venvs", threads=threads, crowd=max(plan.users), dtype=report.details["dtype"]
    ).started(peers)
    report.failures |= failures
    report.details["contestants"] = {name: contestant.facts for name, contestant in field.items()}
    if OURS not in field:
        raise SystemExit(f"our own engine did not start: {failures[OURS]}")
    return field


def main() -> None:
    parser = command.parser("serving", __doc__.split("\n")[0])
    parser.add_argument("--peers", nargs="*", choices=PEERS_BY_DEVICE[device()], help="all unless said; quick: PEFT")
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, default=SECTIONS)
    for name, about in (("adapters", "distinct files on disk"), ("rounds", "of a comparison"), ("tokens", "per row")):
        parser.add_argument(f"--{name}", type=int, help=f"{about}; see FULL and QUICK in serving.py")
    given = parser.parse_args()
    plan = QUICK if given.quick else FULL
    changed = {name: getattr(given, name) for name in ("adapters", "rounds", "tokens")}
    plan = replace(plan, **{name: value for name, value in changed.items() if value is not None})
    command.hush()
    peers = given.peers if given.peers is not None else (PEFT,) if given.quick else PEERS_BY_DEVICE[device()]
    path = command.report_path("serving", given.output, is_quick=given.quick)
    report = run(
        plan,
        command.base_folder(given.base),
        command.work_folder(given.folder),
        threads=given.threads,
        peers=peers,
        sections=given.sections,
        keep=lambda report: report.write(path),
    )
    report.show()
    print(f"written to {path}")


if __name__ == "__main__":
    main()
