"""Waiting for a condition, with a deadline."""

import time


def wait_for(condition, seconds: float = 5, what: str = "the condition"):
    """Returns the first truthy value of `condition()`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s; last: {value!r}"
        time.sleep(0.02)
