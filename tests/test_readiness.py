import threading
import time

import anyio
import pytest

from flagcore.readiness import Readiness

both_loops = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])


def test_threads_wait_for_it() -> None:
    """Until it comes, or their time is up."""
    readiness = Readiness()
    assert readiness.wait(0.01) is False
    threading.Timer(0.02, readiness.set).start()
    assert readiness.wait(5) is True
    assert readiness.is_set
    readiness.clear()
    assert readiness.wait(0) is False


@both_loops
@pytest.mark.anyio
async def test_tasks_wait_for_it(anyio_backend: str) -> None:
    """Set from another thread while the loop turns."""
    readiness = Readiness()
    assert await readiness.await_(0.01) is False
    assert readiness._wakers == []
    threading.Timer(0.05, readiness.set).start()
    async with anyio.create_task_group() as group:
        group.start_soon(readiness.await_, 5)
        assert await readiness.await_(5) is True
    assert await readiness.await_(5) is True


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_that_is_gone_is_not_told(backend: str) -> None:
    """Setting it afterwards harms nothing."""
    readiness = Readiness()

    async def main() -> None:
        with anyio.move_on_after(0.01):
            await readiness.await_(5)

    began = time.monotonic()
    anyio.run(main, backend=backend)
    readiness.set()
    assert time.monotonic() - began < 1
