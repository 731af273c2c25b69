"""What people made of a text instead: the strongest thing they can say.

A correction is a preference pair (theirs is better than what was written) and may become a sample, as its words are
partly the person's own. Not by itself, though: much of it is the model's, which must not take its own words for
theirs. Somebody decides.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from app.errors import Unprocessable
from app.feedback import repository, service
from app.feedback.edits import kept_share
from app.models import Feedback, Rewrite, User
from app.samples import service as samples
from app.samples.files import Incoming
from app.samples.schemas import SampleResult
from app.users import service as users

SOURCE: Final = "correction"
LOOKED_AT: Final = 50
MOST_PAIRS: Final = 1000


class NothingCorrected(Unprocessable):
    type = "nothing-corrected"
    title = "The feedback corrects nothing"


@dataclass(frozen=True)
class Correction:
    """`chosen` is better than `rejected` as a rewrite of `prompt`."""

    feedback: Feedback
    prompt: str
    chosen: str
    rejected: str
    kept_share: float
    """Share of the words that stayed, in [0, 1]: what is not the person's own."""
    sample_id: str | None
    """Of the sample with the same text, if there is one."""


class Preferred(NamedTuple):
    """What the person made of a rewrite, over what they were given."""

    prompt: str
    chosen: str
    rejected: str
    voice: str | None
    """The tag that `rejected` was written with."""


def page(session: Session, external_id: str, cursor: str | None, limit: int) -> tuple[list[Correction], str | None]:
    """Newest first, and the cursor of the next page. Raises UnknownUser."""
    return _page(session, users.get(session, external_id), cursor, limit)


def candidates(session: Session, user: User, limit: int) -> list[Correction]:
    """Of the newest corrections those that changed a word and are no samples yet, at most `limit`."""
    newest, _ = _page(session, user, None, LOOKED_AT)
    return [found for found in newest if found.sample_id is None and found.kept_share < 1][:limit]


def pairs(session: Session, user_id: str) -> list[Preferred]:
    """For trainings on preferences, newest first; of several edits of a text the newest."""
    rows, _ = repository.corrections(session, user_id, None, MOST_PAIRS)
    newest: dict[tuple[str, int], Preferred] = {}
    for row, rewrite in rows:
        chosen, rejected = row.edited_text or "", rewrite.outputs[row.output_index]
        if chosen.split() != rejected.split():
            pair = Preferred(rewrite.text, chosen, rejected, rewrite.mode)
            newest.setdefault((rewrite.id, row.output_index), pair)
    return list(newest.values())


def adopt(session: Session, feedback_id: str, context: str | None = None) -> SampleResult:
    """Make the corrected text one of the person's samples; a duplicate is told as one.

    Raises NotFound, NothingCorrected, and what adding a sample raises.
    """
    feedback, external_id = service.get(session, feedback_id)
    if feedback.edited_text is None:
        raise NothingCorrected(
            "this feedback has no edited_text", field="feedback_id", remedy="Choose one that has; list the corrections."
        )
    incoming = Incoming(feedback.edited_text, "edited_text", context, SOURCE)
    return samples.add(session, external_id, [incoming], is_strict=True).items[0]


def _page(session: Session, user: User, cursor: str | None, limit: int) -> tuple[list[Correction], str | None]:
    rows, following = repository.corrections(session, user.id, cursor, limit)
    known = samples.ids_of(session, user, [row.edited_text or "" for row, _ in rows])
    return [_correction(row, rewrite, known.get(row.edited_text or "")) for row, rewrite in rows], following


def _correction(feedback: Feedback, rewrite: Rewrite, sample_id: str | None) -> Correction:
    rejected, chosen = rewrite.outputs[feedback.output_index], feedback.edited_text or ""
    return Correction(feedback, rewrite.text, chosen, rejected, kept_share(rejected, chosen), sample_id)
