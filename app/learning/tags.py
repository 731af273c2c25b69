"""What people call an occasion they write for, and the tag that stands for it in prompts and files. No torch."""

MAX_TAG_LENGTH = 40


def tag_of(context: str) -> str:
    """A context as people type it to the tag that stands for it: one line, lower case, at most 40 characters."""
    return " ".join(context.split()).lower()[:MAX_TAG_LENGTH].strip()
