"""Conductors as processes, on real boards and databases: each job once, and none is lost with one of them."""

import contextlib
import json
import subprocess
import sys
import time
from collections import Counter

import pytest
import redis
from board_servers import PASSWORD, board
from database_servers import running
from tenant import wait

from pumphouse.config import Config
from pumphouse.errors import BoardError, ConfigError
from pumphouse.model import Caller, JobState, Role, Selection
from pumphouse.wiring import open_desk

#: A conductor whose use cases only say that they begin and end; what they do otherwise is proven in test_api.py.
CONDUCT = """
import json, sys, time
from contextlib import contextmanager
from pumphouse.config import Config
from pumphouse.errors import Interrupted
from pumphouse.model import RunResult
from pumphouse.service.conductor import Conductor
from pumphouse.cli.running import stoppable
from pumphouse.wiring import open_desk

class Service:
    stopped = False

    def cancel(self):
        self.stopped = True

    def commit(self, selection):
        name, seconds = selection.names
        print(f"begins {name}", flush=True)
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            time.sleep(0.02)
            if self.stopped:
                raise Interrupted("stopped")
        print(f"ends {name}", flush=True)
        return RunResult("", ())

@contextmanager
def opened(bus, **policy):
    yield Service()

with open_desk(Config.model_validate(json.loads(sys.argv[2]))) as desk:
    conductor = Conductor(desk.jobs, desk.board, opened, sys.argv[1])
    with stoppable(conductor.stop, print, lambda: None):
        conductor.run()
"""
pytestmark = pytest.mark.long
CALLER = Caller("somebody", Role.APPROVER)
PLACES = [("postgresql", ""), ("postgresql", "redis"), ("mysql", "etcd")]


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def config(request, tmp_path_factory):
    database, kind = request.param
    with running(database) as server, board(kind) if kind else contextlib.nullcontext() as url:
        api = {"board": url} if url else {}
        clouds = {"source": {"cloud": "a"}, "destination": {"cloud": "b"}}
        yield Config(**clouds, ledger=server.make("ledger", ""), api=api)


@pytest.fixture
def desk(config):
    with open_desk(config) as made:
        yield made


@pytest.fixture
def conductors(config, tmp_path):
    """Starts conductors; they write into files of their names."""
    started = {}
    plain = config.model_dump(include={"source", "destination", "ledger", "api"}, exclude_unset=True)
    if config.api.board:
        plain["api"]["board"] = config.api.board.get_secret_value()

    def start(*names):
        for name in names:
            with (tmp_path / name).open("w") as file:
                command = [sys.executable, "-c", CONDUCT, name, json.dumps(plain)]
                started[name] = subprocess.Popen(command, stdout=file, stderr=file)
        return started

    def said():
        return {name: (tmp_path / name).read_text().splitlines() for name in started}

    yield start, said
    for process in started.values():
        process.kill()
        process.wait()


def hand_in(desk, name, seconds, key=None):
    return desk.submit(CALLER, "commit", Selection("server", (name, str(seconds))), {}, key)


def states(desk):
    return {job.selection.names[0]: job.state for job in desk.jobs.all()}


def test_each_job_is_carried_out_once(desk, conductors):
    start, said = conductors
    names = [f"job-{number}" for number in range(12)]
    jobs = [hand_in(desk, name, 0.2, key=name) for name in names[:6]]
    start("one", "two")
    jobs += [hand_in(desk, name, 0.2, key=name) for name in names[6:]]
    assert [hand_in(desk, name, 0.2, key=name).id for name in names] == [job.id for job in jobs]
    wait("all to be done", lambda: set(states(desk).values()) == {JobState.DONE}, 60)
    told = Counter(line for lines in said().values() for line in lines)
    assert told == Counter(f"{what} {name}" for name in names for what in ("begins", "ends"))
    assert {desk.jobs.find(job.id).conductor for job in jobs} <= {"one", "two"}
    assert 0 < time.time() - desk.jobs.find(jobs[0].id).created_at < 120  # MySQL rounds what it may


def test_a_killed_conductors_job_is_taken_over(desk, conductors):
    start, said = conductors
    job = hand_in(desk, "orphan", 3)
    first = start("first")["first"]
    wait("it to begin", lambda: said()["first"] == ["begins orphan"])
    start("second")
    time.sleep(2)
    first.kill()
    killed = time.monotonic()
    wait("the second to begin", lambda: "begins orphan" in said()["second"], 40)
    assert time.monotonic() - killed < 30
    wait("the second to end it", lambda: desk.jobs.find(job.id).state is JobState.DONE)
    assert desk.jobs.find(job.id).conductor == "second"
    assert said() == {"first": ["begins orphan"], "second": ["begins orphan", "ends orphan"]}


def test_a_conductor_that_is_stopped_leaves_its_job_to_others(desk, conductors):
    start, said = conductors
    job = hand_in(desk, "left", 3)
    first = start("leaving")["leaving"]
    wait("it to begin", lambda: "begins left" in said()["leaving"])
    start("staying")
    first.terminate()
    assert first.wait(20) == 0
    wait("the other to end it", lambda: desk.jobs.find(job.id).state is JobState.DONE)
    assert said()["staying"] == ["begins left", "ends left"]
    assert "ends left" not in said()["leaving"]


def test_a_job_is_paused_and_goes_on(desk, conductors):
    start, said = conductors
    job = hand_in(desk, "patient", 3)
    start("only")
    wait("it to begin", lambda: "begins patient" in said()["only"])
    desk.stop(job.id, "pause")
    wait("it to be paused", lambda: desk.jobs.find(job.id).state is JobState.PAUSED)
    time.sleep(2)
    assert said()["only"] == ["begins patient"]
    desk.resume(job.id)
    wait("it to be done", lambda: desk.jobs.find(job.id).state is JobState.DONE)


def test_a_job_that_was_never_posted_is_found(config, desk, conductors):
    """Whoever handed it in was killed between the ledger and the board."""
    start, said = conductors
    job = desk.jobs.add(CALLER.name, "commit", Selection("server", ("unposted", "0")), {}, None)
    start("finder")
    wait("it to be done", lambda: desk.jobs.find(job.id).state is JobState.DONE, 40)
    assert said()["finder"] == ["begins unposted", "ends unposted"]


def test_a_board_that_forgot_everything_makes_nothing_twice(config, desk, conductors):
    url = config.api.board.get_secret_value() if config.api.board else ""
    if not url.startswith("redis"):
        pytest.skip("only Redis keeps nothing")
    start, said = conductors
    job = hand_in(desk, "forgotten", 14)  # long enough to be posted again
    start("one", "two")
    wait("it to begin", lambda: any(said().values()))
    redis.Redis.from_url(url).flushall()
    wait("it to be done", lambda: desk.jobs.find(job.id).state is JobState.DONE, 90)
    later = hand_in(desk, "later", 0)
    wait("the next one to be done", lambda: desk.jobs.find(later.id).state is JobState.DONE)
    lines = [line for lines in said().values() for line in lines if "forgotten" in line]
    assert lines == ["begins forgotten", "ends forgotten"]


def test_a_board_that_is_not_there_is_told_without_its_secret(config):
    for scheme in ("redis", "etcd"):
        gone = config.model_dump(include={"source", "destination", "ledger"}) | {
            "api": {"board": f"{scheme}://:{PASSWORD}@127.0.0.1:1"}
        }
        with open_desk(Config.model_validate(gone)) as desk:
            with pytest.raises(BoardError) as told, desk.board.open("x"):
                pass
            assert PASSWORD not in str(told.value) and "api.board" in told.value.remedy
    with (
        pytest.raises(ConfigError, match="no address"),
        open_desk(Config.model_validate(gone | {"api": {"board": "kafka://x"}})),
    ):
        pass
