"""Real time, waiting, and stopping on request."""

import threading
import time

import pytest

from pumphouse.clock import StoppableClock
from pumphouse.errors import CloudError, Interrupted


def test_a_wait_ends_with_the_first_answer_that_is_not_none() -> None:
    answers = iter([None, 0])
    assert StoppableClock().wait("x", 5, lambda: next(answers)) == 0
    assert next(answers, "end") == "end"


def test_false_and_zero_are_answers() -> None:
    assert StoppableClock().wait("x", 5, lambda: False) is False


def test_a_wait_that_takes_too_long_says_for_what() -> None:
    with pytest.raises(CloudError, match=r"waited 0\.01 s for server web1 to stop") as raised:
        StoppableClock().wait("server web1 to stop", 0.01, lambda: None)
    assert "policy.timeouts" in raised.value.remedy


def test_what_a_poll_raises_ends_the_wait() -> None:
    def poll() -> None:
        raise CloudError("it is in ERROR")

    with pytest.raises(CloudError, match="in ERROR"):
        StoppableClock().wait("x", 5, poll)


def test_before_a_stop_nothing_is_interrupted() -> None:
    clock = StoppableClock()
    clock.check()
    clock.sleep(0)
    assert not clock.stopped


@pytest.mark.parametrize(
    "act", [lambda c: c.check(), lambda c: c.sleep(60), lambda c: c.wait("x", 60, lambda: None)]
)
def test_after_a_stop_everything_is_interrupted_at_once(act: object) -> None:
    clock = StoppableClock()
    clock.stop()
    started = time.monotonic()
    with pytest.raises(Interrupted) as raised:
        act(clock)  # type: ignore[operator]
    assert time.monotonic() - started < 0.1
    assert raised.value.exit_code == 130


def test_a_stop_wakes_those_who_sleep() -> None:
    clock = StoppableClock()
    ended: list[float] = []

    def sleep() -> None:
        with pytest.raises(Interrupted):
            clock.sleep(60)
        ended.append(time.monotonic())

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    stopped = time.monotonic()
    clock.stop()
    sleeper.join(2)
    assert ended[0] - stopped < 0.5


def test_shielded_work_goes_on_after_a_stop() -> None:
    clock = StoppableClock()
    clock.stop()

    def work() -> str:
        clock.check()
        clock.sleep(0.001)
        return clock.wait("x", 1, lambda: "done")

    assert clock.shielded(work) == "done"
    with pytest.raises(Interrupted):
        clock.check()


def test_a_shield_is_of_its_thread_only_and_ends_with_a_failure() -> None:
    clock = StoppableClock()
    clock.stop()
    others: list[BaseException] = []

    def other() -> None:
        try:
            clock.check()
        except Interrupted as error:
            others.append(error)

    def work() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        raise CloudError("broken")

    with pytest.raises(CloudError):
        clock.shielded(work)
    assert len(others) == 1
    with pytest.raises(Interrupted):
        clock.check()


def test_shields_can_be_nested() -> None:
    clock = StoppableClock()
    clock.stop()

    def outer() -> None:
        clock.shielded(clock.check)
        clock.check()

    clock.shielded(outer)


def test_now_is_the_time() -> None:
    assert abs(StoppableClock().now() - time.time()) < 5
