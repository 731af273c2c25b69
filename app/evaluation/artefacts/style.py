"""The style encoder: does it know style from content, and can the reward made of it be bought with a mark?"""

from collections.abc import Callable

from app.assets.neutral import neutral_prompts
from app.demo.people import packaged
from app.evaluation.artefacts.figures import Figure
from app.evaluation.measures.stel import Task, read, stel, stel_or_content
from app.evaluation.plan import Plan
from app.evaluation.runner import Bench, Found
from app.evaluation.subjects import spread
from app.evaluation.workshop import Workshop
from app.inference.encoders import centred, evaluation_encoder, style_encoder, voice_encoder
from app.learning.modes import find_modes
from app.learning.rewards.style import References, references

BARS = {"formality": 0.78, "simplicity": 0.62}
OVERALL, CONTENT_OVERALL = 0.86, 0.40
AGAINST_CONTENT = ("formality", "simplicity", "emotives", "contraction")
"""Of these the mean STEL-or-Content has a bar; the others are reported."""
ANCHORS = "BERT-base .774, Style-Embedding .734, plain MiniLM .775, 58 features .859"
CONTENT_ANCHORS = "Style-Embedding .396, 58 features .05, plain MiniLM .01, MiniLM tuned on rule-made variants .30"
MARKS: dict[str, Callable[[str], str]] = {
    "!!": lambda text: text.rstrip(".?! ") + "!!",
    "one emoji": lambda text: text + " 😊",
}
MOST_FOR_A_MARK = 0.25
USES = 0.05
"""Share of a voice's texts from which a mark is a habit of theirs."""
QUICK_PROMPTS = 40


def measure(shop: Workshop, plan: Plan, bench: Bench) -> Found:
    tasks = read(plan.data_folder("stel") / "stel")
    bench.watch("STEL", 0.1)
    figures = _stel(tasks)
    judging = [
        Figure("STEL of the encoder that judges (character n-grams), all tasks", stel(tasks, evaluation_encoder()))
    ]
    bench.watch("STEL-or-Content", 0.4)
    figures += _against_content(tasks)
    bench.watch("marks", 0.7)
    figures += _marks(spread(neutral_prompts(), QUICK_PROMPTS) if plan.is_quick else list(neutral_prompts()))
    return {"figures": [figure.found() for figure in figures + judging]}


def _stel(tasks: list[Task]) -> list[Figure]:
    right = stel(tasks, style_encoder())
    figures = [Figure(f"STEL, all {len(tasks)} tasks", right, least=OVERALL, anchor=ANCHORS)]
    for style in sorted({task.style for task in tasks}):
        own = [value for value, task in zip(right, tasks, strict=True) if task.style == style]
        figures.append(Figure(f"STEL, {style}", own, least=BARS.get(style)))
    return figures


def _against_content(tasks: list[Task]) -> list[Figure]:
    right = stel_or_content(tasks, style_encoder())
    by_style = {
        style: [value for value, task in zip(right, tasks, strict=True) if task.style == style]
        for style in sorted({task.style for task in tasks})
    }
    # The mean of the four dimensions, so that the one with most tasks does not decide.
    means = [sum(by_style[style]) / len(by_style[style]) for style in AGAINST_CONTENT if style in by_style]
    name = f"STEL-or-Content, mean of {', '.join(AGAINST_CONTENT)}"
    figures = [Figure(name, [sum(means) / len(means)], least=CONTENT_OVERALL, anchor=CONTENT_ANCHORS)]
    return figures + [Figure(f"STEL-or-Content, {style}", values) for style, values in by_style.items()]


def _marks(prompts: list[str]) -> list[Figure]:
    """What plain text with nothing but one mark is paid, by the voice that pays most for it."""
    voices = [_voices(person.samples) for person in packaged(quick=False)]
    figures = []
    for mark, add in MARKS.items():
        marked = [add(text) for text in prompts]
        paid: dict[bool, list[list[float]]] = {False: [], True: []}
        for found, texts in voices:
            placed_N_M = found.by_mode(found.similarity(marked))
            for place, tag in enumerate(found.shares):
                paid[uses(texts[tag], mark)].append(placed_N_M[:, place].tolist())
        of_habits = ((False, "a voice without it", MOST_FOR_A_MARK), (True, "a voice that uses it", None))
        for is_theirs, words, most in of_habits:
            if paid[is_theirs]:
                name = f"plain text and {mark}, calibrated, for {words} (the worst of {len(paid[is_theirs])})"
                figures.append(Figure(name, max(paid[is_theirs], key=sum), most=most))
    return figures


def _voices(samples: list[tuple[str, str | None]]) -> tuple[References, dict[str, list[str]]]:
    """As they are rewarded, and the texts of each."""
    plain = neutral_prompts()
    texts, contexts = [text for text, _ in samples], [context for _, context in samples]
    modes = find_modes(texts, contexts, centred(style_encoder(), plain), neutral_texts=plain)
    return references(centred(voice_encoder(), plain), modes, plain), {mode.tag: mode.texts for mode in modes}


def uses(texts: list[str], mark: str) -> bool:
    has = (lambda text: "!" in text) if mark == "!!" else _has_picture
    return sum(map(has, texts)) > USES * len(texts)


def _has_picture(text: str) -> bool:
    return any(ord(character) >= 0x1F000 or 0x2600 <= ord(character) <= 0x27BF for character in text)
