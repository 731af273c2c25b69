"""Why an evaluation cannot be run. No torch here: the command line reads this before it knows what it needs."""


class CannotEvaluate(ValueError):
    """The message says what is missing; `remedy` what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
