"""Load on an HTTP server: wrk where the system has it, else asyncio and httpx, which is slower itself and says so."""

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.statistics import quantile

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %(key)s"
local bodies = {%(bodies)s}
local turn = 0
request = function()
  turn = turn %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[turn])
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nresult {"requests": %%d, "seconds": %%f, "p50_ms": %%f, "p99_ms": %%f, "errors": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class LoadFailed(RuntimeError):
    """The generator ended without a result."""


@dataclass(frozen=True)
class Load:
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


@dataclass(frozen=True)
class Target:
    url: str
    key: str
    bodies: list[dict[str, Any]]
    """Sent in turn."""


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "asyncio and httpx"


def driven(target: Target, *, connections: int, seconds: float) -> Load:
    """Closed loop: every connection asks again as soon as it is answered. Raises LoadFailed."""
    return (_by_wrk if shutil.which("wrk") else _by_httpx)(target, connections, seconds)


def _by_wrk(target: Target, connections: int, seconds: float) -> Load:
    bodies = ", ".join(f"[==[{json.dumps(body)}]==]" for body in target.bodies)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(SCRIPT % {"key": target.key, "bodies": bodies})
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script), target.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("result ")), None)
    if line is None:
        raise LoadFailed(f"wrk ended with status {done.returncode}: {done.stderr.strip()[:300]}")
    found = json.loads(line.removeprefix("result "))
    return Load(found["requests"] / found["seconds"], found["p50_ms"], found["p99_ms"], found["errors"])


def _by_httpx(target: Target, connections: int, seconds: float) -> Load:
    import httpx

    latencies: list[float] = []
    errors = 0

    async def client(session: httpx.AsyncClient, first: int, until: float) -> None:
        nonlocal errors
        number = first
        while time.perf_counter() < until:
            started = time.perf_counter()
            answer = await session.post(target.url, json=target.bodies[number % len(target.bodies)])
            latencies.append(1000 * (time.perf_counter() - started))
            errors += answer.is_error
            number += connections

    async def all_clients() -> float:
        headers = {"Authorization": f"Bearer {target.key}"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as session:
            started = time.perf_counter()
            await asyncio.gather(*(client(session, first, started + seconds) for first in range(connections)))
            return time.perf_counter() - started

    taken = asyncio.run(all_clients())
    return Load(len(latencies) / taken, quantile(latencies, 0.5), quantile(latencies, 0.99), errors)
