"""Properties that are computed once for each object, by threads side by side."""

import dataclasses
import threading

from tec_zarr.once import once

WAIT = 10


@dataclasses.dataclass(frozen=True)
class Thing:
    """Computes when all that compute have begun."""

    together: threading.Barrier
    calls: list[int]

    @once
    def value(self) -> object:
        """What is computed."""
        self.calls.append(1)
        self.together.wait(WAIT)
        return object()


def test_a_value_is_computed_once():
    thing = Thing(threading.Barrier(1), [])
    assert thing.value is thing.value
    assert len(thing.calls) == 1
    assert Thing.value.__doc__ == "What is computed."


def test_threads_do_not_wait_for_each_others_objects():
    together = threading.Barrier(2)
    things = [Thing(together, []), Thing(together, [])]
    threads = [threading.Thread(target=lambda thing=thing: thing.value) for thing in things]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not together.broken
