"""The table of contents of the HTTP API."""

from fastapi import APIRouter

from app import health
from app.adapters.endpoints import router as adapters
from app.admin.pages import router as admin
from app.feedback.endpoints import router as feedback
from app.jobs.endpoints import router as jobs
from app.rewrites.endpoints import router as rewrites
from app.samples.endpoints import router as samples
from app.users.endpoints import router as users

ROUTERS: tuple[APIRouter, ...] = (users, samples, rewrites, feedback, jobs, adapters, health.router, admin)
