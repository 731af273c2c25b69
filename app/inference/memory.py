"""Memory that was freed, given back to the system."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of malloc.h."""
LARGE_BYTES = 2 * 2**20
SPARE_BYTES = 16 * 2**20


def keep_large_blocks_apart() -> None:
    """From now on every large block of this process is a mapping of its own, gone from memory as soon as it is freed.

    glibc would soon put all blocks below 32 MiB into one heap. Learning frees and takes blocks of ever other sizes, and
    a heap cut into such pieces held a quarter more than was in use. Nothing happens where there is no glibc.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(M_MMAP_THRESHOLD, LARGE_BYTES)
        set_option(M_TRIM_THRESHOLD, SPARE_BYTES)


def give_back() -> None:
    """Return the allocator's free pages. glibc keeps them for what comes next, which may need blocks of other sizes.

    A tenth of a second; nothing happens where the C library cannot do it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
