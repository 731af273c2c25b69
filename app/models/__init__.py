"""SQLAlchemy tables, one file per noun. Importing this package registers them all on `Base.metadata`."""

from app.db import Base
from app.models.adapter import Adapter
from app.models.feedback import Feedback
from app.models.job import (
    CANCELLED,
    FAILED,
    FINISHED,
    QUEUED,
    RUNNING,
    STARTED_BY_FEEDBACK,
    SUCCEEDED,
    Job,
    JobEvent,
    JobMetric,
)
from app.models.rewrite import Rewrite
from app.models.sample import StyleSample
from app.models.tenant import AdminLogin, ApiKey, Tenant
from app.models.trace import Scorer, Trace
from app.models.user import User

__all__ = [
    "CANCELLED",
    "FAILED",
    "FINISHED",
    "QUEUED",
    "RUNNING",
    "STARTED_BY_FEEDBACK",
    "SUCCEEDED",
    "Adapter",
    "AdminLogin",
    "ApiKey",
    "Base",
    "Feedback",
    "Job",
    "JobEvent",
    "JobMetric",
    "Rewrite",
    "Scorer",
    "StyleSample",
    "Tenant",
    "Trace",
    "User",
]
