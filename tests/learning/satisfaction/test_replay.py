from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

from app.learning.satisfaction.replay import Replay
from app.learning.satisfaction.traces import Trace

Make = Callable[..., Trace]


def test_the_recent_memory_is_first_in_first_out(make_trace: Make) -> None:
    traces = [make_trace(reply=number) for number in range(1, 11)]
    replay = Replay(traces[:7], recent=4, long=100)
    replay.add(traces[7:])
    assert [trace.reply for trace in replay.recent] == [7, 8, 9, 10]
    assert len(replay) == 10


def test_the_long_memory_is_a_fair_sample_whatever_came_when(make_trace: Make) -> None:
    traces = [make_trace(f"text {number}", reply=number) for number in range(1, 1001)]
    replay = Replay(traces, recent=1, long=200)
    quarters = Counter((trace.reply - 1) // 250 for trace in replay.long)
    assert len(replay.long) == 200
    assert all(30 <= quarters[quarter] <= 70 for quarter in range(4))


def test_the_memory_is_the_same_after_a_crash(make_trace: Make) -> None:
    traces = [make_trace(f"text {number}", reply=number) for number in range(1, 60)]
    lived = Replay(recent=8, long=20)
    for trace in traces:
        lived.add([trace])
    restored = Replay(traces, recent=8, long=20)
    assert (lived.recent, lived.long) == (restored.recent, restored.long)


def test_half_of_a_batch_is_recent_and_the_young_and_sure_come_more_often(make_trace: Make) -> None:
    old = [make_trace(f"old {n}", reply=1) for n in range(20)]
    unsure = [make_trace(f"unsure {n}", reply=50, confidence=0.1) for n in range(20)]
    sure = [make_trace(f"sure {n}", reply=50) for n in range(20)]
    replay = Replay([*old, *unsure, *sure], recent=20, long=60)
    batch = replay.batch(2000, 50, Random(1), fades_after=20)
    kinds = Counter(trace.output.split()[0] for trace in batch)
    assert {trace.output.split()[0] for trace in batch[:1000]} == {"sure"}
    assert kinds["sure"] > 1000 + 5 * kinds["unsure"]
    assert 0 < kinds["old"] < 200


def test_new_scores_reach_both_memories(make_trace: Make) -> None:
    trace = make_trace()
    replay = Replay([trace])
    replay.replace([replace(trace, score=0.1)])
    assert [replay.recent[0].score, replay.long[0].score] == [0.1, 0.1]


def test_an_empty_memory_gives_an_empty_batch() -> None:
    assert Replay().batch(8, 1, Random(0)) == []
