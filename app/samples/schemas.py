"""Samples of someone's writing, as callers send and see them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.schemas import Body, Text, View


class SampleIn(Body):
    text: Text
    context: Annotated[Text, Field(min_length=1, max_length=60)] | None = None
    """The person's own name for the occasion, such as `work`."""
    source: Annotated[Text, Field(min_length=1, max_length=200)] = "api"


class SamplesIn(Body):
    samples: Annotated[list[SampleIn], Field(min_length=1)]


class SampleView(View):
    id: str
    text: str
    context: str | None
    source: str
    created_at: datetime


class SampleResult(View):
    """What became of one sample, in the order they were sent."""

    place: str
    """Where it stood: `samples.0`, or `letters.txt, paragraph 3`."""
    result: Literal["stored", "duplicate", "rejected"]
    id: str | None = None
    """Of the sample stored now or, for a duplicate, before."""
    reason: str | None = None


class SamplesOut(View):
    stored: int
    duplicates: int
    rejected: int
    items: list[SampleResult]
