"""A worker's log, set up the way Celery does it, in a process of its own."""

import json
import subprocess
import sys

SPEAK = """
import logging
from workers.main import celery
celery.loader.init_worker()
celery.log.setup(loglevel=logging.WARNING)
logging.getLogger("app.jobs.runner").info("job %s: %s", "j1", "succeeded")
logging.getLogger("celery.worker.strategy").info("drowned")
try:
    raise ValueError("a secret text")
except ValueError as error:
    logging.getLogger("celery.app.trace").error("raised unexpected: %(exc)s", {"exc": error}, exc_info=True)
"""


def test_a_worker_logs_like_everybody_and_quotes_no_error() -> None:
    run = subprocess.run([sys.executable, "-c", SPEAK], capture_output=True, text=True, check=True)
    done, failed = [json.loads(line) for line in run.stderr.splitlines()]
    assert (done["event"], done["level"], done["logger"]) == ("job j1: succeeded", "info", "app.jobs.runner")
    assert (failed["event"], failed["raised"], failed["logger"]) == (
        "unexpected error",
        "ValueError",
        "celery.app.trace",
    )
    assert failed["frames"] == ["<string>:9 <module>"]
    assert "secret" not in run.stderr + run.stdout
