"""What a person wrote comes in: each text once, all of a request or none of it."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy.orm import Session

from app.config import get_settings
from app.db import new_id
from app.errors import NotFound, Unprocessable
from app.models import StyleSample, User
from app.samples import repository
from app.samples.files import Incoming
from app.samples.schemas import SampleResult, SamplesOut
from app.schemas import MOST_STACKED, is_storable, stacked
from app.users import service as users


class UnusableSamples(Unprocessable):
    type = "unusable-samples"
    title = "There are samples that cannot be learned from"


class TooManySamples(Unprocessable):
    type = "too-many-samples"
    title = "These are too many samples"


class UnknownSample(NotFound):
    type = "unknown-sample"
    title = "There is no such sample"


def folded(text: str) -> str:
    """Equal for texts that differ only in case, spacing or the way their accents are encoded; on one line."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def fingerprint(text: str) -> str:
    """Equal for texts that are equal when folded."""
    return sha256(folded(text).encode()).hexdigest()


def add(session: Session, external_id: str, incoming: Sequence[Incoming], *, is_strict: bool) -> SamplesOut:
    """Store what is new and tell what became of each.

    A strict request (one a program wrote) is refused whole if any sample is unusable; out of a file those are left
    out and reported, unless none remains. Raises UnknownUser, UnusableSamples, TooManySamples.
    """
    _check_request(incoming)
    # Reading many texts takes a while; whoever wants to write waits from the first question to the database on.
    faults = {index: fault for index, item in enumerate(incoming) if (fault := item.fault or _fault(item.text))}
    digests = {index: fingerprint(item.text) for index, item in enumerate(incoming) if index not in faults}
    user = users.get(session, external_id, lock=True)
    _check_room(session, user, len(incoming))
    if faults and (is_strict or len(faults) == len(incoming)):
        raise _unusable(incoming, faults, is_strict)
    known = repository.ids_by_fingerprint(session, user.id, digests.values())
    results = []
    for index, item in enumerate(incoming):
        if index in faults:
            results.append(SampleResult(place=item.place, result="rejected", reason=faults[index]))
        elif (digest := digests[index]) in known:
            results.append(SampleResult(place=item.place, result="duplicate", id=known[digest]))
        else:
            known[digest] = _store(session, user, item, digest)
            results.append(SampleResult(place=item.place, result="stored", id=known[digest]))
    session.flush()
    counts = Counter(result.result for result in results)
    return SamplesOut(
        stored=counts["stored"], duplicates=counts["duplicate"], rejected=counts["rejected"], items=results
    )


def ids_of(session: Session, user: User, texts: Sequence[str]) -> dict[str, str]:
    """Of those texts that are samples of theirs already, as fingerprints tell: text to sample id."""
    digests = {text: fingerprint(text) for text in texts}
    known = repository.ids_by_fingerprint(session, user.id, digests.values())
    return {text: known[digest] for text, digest in digests.items() if digest in known}


def all_of(session: Session, user_id: str) -> Sequence[StyleSample]:
    """Everything a person wrote, oldest first. Users are named by their internal id here: trainings ask."""
    return repository.all_of(session, user_id)


def keep_parts(session: Session, rows: Sequence[StyleSample]) -> None:
    """Store which of these are held out, if nothing is stored yet; a sample that was deleted meanwhile stays so."""
    for is_held_out in (True, False):
        repository.give_part(session, [row.id for row in rows if row.is_held_out is is_held_out], is_held_out)


def page(session: Session, user: User, cursor: str | None, limit: int) -> tuple[Sequence[StyleSample], str | None]:
    return repository.page(session, user.id, cursor, limit)


def delete(session: Session, user: User, sample_id: str) -> None:
    """Raises UnknownSample. Adapters it shaped keep its id in their manifest until they are trained anew."""
    sample = repository.get(session, user.id, sample_id)
    if sample is None:
        remedy = f"List them: GET /v1/users/{user.external_id}/samples."
        raise UnknownSample("this user has no such sample", field="sample", remedy=remedy)
    session.delete(sample)


def _check_request(incoming: Sequence[Incoming]) -> None:
    if not incoming:
        raise UnusableSamples("there is no text in it", field="samples", remedy="Send at least one sample.")
    if len(incoming) > (limit := get_settings().max_samples_per_request):
        raise TooManySamples(
            f"{len(incoming)} samples in one request, at most {limit} are possible",
            field="samples",
            remedy="Split them over several requests.",
        )


def _check_room(session: Session, user: User, incoming: int) -> None:
    there = repository.count(session, user.id)
    if there + incoming > (limit := get_settings().max_samples_per_user):
        raise TooManySamples(
            f"the user has {there} samples and at most {limit} are possible",
            field="samples",
            remedy="Delete old ones, or send fewer: some hundred are plenty.",
        )


def _fault(text: str) -> str | None:
    limit = get_settings().max_sample_chars
    if not any(character.isprintable() and not character.isspace() for character in text):
        return "there is no text in it"
    if not is_storable(text):
        return "it contains NUL or half a character"
    if len(text) > limit:
        return f"it has {len(text)} characters, at most {limit} are possible"
    if stacked(text) > MOST_STACKED:
        return f"a letter in it has more than {MOST_STACKED} accents"
    return None


def _unusable(incoming: Sequence[Incoming], faults: dict[int, str], is_strict: bool) -> UnusableSamples:
    errors = [
        {
            "field": f"{incoming[index].place}.text" if is_strict else "file",
            "message": f"{incoming[index].place}: {fault}",
        }
        for index, fault in faults.items()
    ]
    return UnusableSamples(
        errors[0]["message"] + (f" (and {len(errors) - 1} more)" if errors[1:] else ""),
        field=errors[0]["field"],
        remedy="Leave empty samples out and split long ones into paragraphs; nothing of this request was stored.",
        errors=errors,
    )


def _store(session: Session, user: User, item: Incoming, digest: str) -> str:
    sample = StyleSample(
        id=new_id(),
        tenant_id=user.tenant_id,
        user_id=user.id,
        text=item.text.strip(),
        context=item.context,
        source=item.source,
        sha256=digest,
    )
    session.add(sample)
    return sample.id
