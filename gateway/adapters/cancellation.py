"""A cancellation that a library has swallowed is heeded before the next long wait."""

import asyncio


def heed_cancellation() -> None:
    """Raise CancelledError when the running task has been cancelled and went on all the same.

    Before Python 3.12 ``asyncio.wait_for`` returns its result when it is cancelled in the moment
    the result comes, and several clients wait in it. What follows would then be waited for to
    its very end, although somebody wants to stop.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
