"""The real workers with everything that a training loads already loaded: two can get ready side by side."""

import app.jobs.training
from app.inference.encoders import entity_finder, evaluation_encoder, meaning_encoder, style_encoder
from workers.main import celery

__all__ = ["celery"]

assert app.jobs.training
for load in (style_encoder, evaluation_encoder, meaning_encoder, entity_finder):
    load()
