"""Memory that was freed, given back to the system."""

import ctypes


def give_back() -> None:
    """Return the allocator's free pages. glibc keeps them for what comes next, which may need blocks of other sizes.

    A tenth of a second; nothing happens where the C library cannot do it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
