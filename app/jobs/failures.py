"""Why a training ended, in words its user understands, with what to do about it."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from app.errors import AppError
from app.inference.architecture import UnsupportedModel
from app.inference.packaged import BaseUnavailable
from app.jobs.context import TrainingFailure
from app.storage import StorageUnavailable

ALMOST_FULL_BYTES = 16 * 2**20
UNHARMED = "The voice in use is unchanged."


def explain(error: Exception, folder: Path, job_id: str) -> TrainingFailure:
    """What to tell about an exception that ended a training whose files lie below `folder`."""
    if isinstance(error, TrainingFailure):
        return error
    if isinstance(error, StorageUnavailable):
        return TrainingFailure(
            f"A version's file could not be read or stored: {error.detail}. {UNHARMED}",
            "Check that what IDIOLECT_STORAGE_URL names is there and that the worker's credentials may use it (the "
            "server's /readyz tells), then retry the job.",
        )
    if isinstance(error, AppError):
        return TrainingFailure(f"{error.detail}. {UNHARMED}", f"{error.remedy} Then retry the job.")
    if _is_disk_full(error, folder):
        return TrainingFailure(
            f"The disk is full, so the training could not be saved. {UNHARMED}",
            f"Free space below {folder} and retry the job.",
        )
    if _is_out_of_memory(error):
        return TrainingFailure(
            f"There was not enough memory for this training. {UNHARMED}",
            "Free memory, or ask for a smaller rl.group_size, rl.prompts_per_step or sft.batch_size, and train again.",
        )
    if isinstance(error, (BaseUnavailable, UnsupportedModel)):
        return TrainingFailure(
            f"The base model cannot be used: {str(error).rstrip('.')}. {UNHARMED}",
            "Mend that where the worker runs, or point IDIOLECT_BASE_MODEL at another model, then retry the job.",
        )
    return TrainingFailure(
        f"The training ended unexpectedly ({type(error).__name__}). {UNHARMED}",
        f"Retry the job. If it ends like this again, the worker's log tells more under job {job_id}.",
    )


def died_too_often(attempts: int) -> TrainingFailure:
    return TrainingFailure(
        f"The worker died {attempts} times while it trained this voice, most often for lack of memory. {UNHARMED}",
        "Look at the worker's log, free memory or train fewer steps, then retry the job.",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_disk_full(error: Exception, folder: Path) -> bool:
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        # Libraries that write in another language lose the number, or even the words.
        if "No space left on device" in str(cause) or "disk is full" in str(cause):
            return True
        if "failed writing file" in str(cause) and shutil.disk_usage(folder).free < ALMOST_FULL_BYTES:
            return True
    return False


def _is_out_of_memory(error: Exception) -> bool:
    return any(
        isinstance(cause, MemoryError)
        or type(cause).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(cause)
        for cause in _chain(error)
    )
