"""Numbers for Prometheus."""

from collections import Counter
from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from pumphouse.api.opening import AtDesk, Opened
from pumphouse.model import JobState
from pumphouse.service import Service
from pumphouse.service.desk import Desk

router = APIRouter(tags=["health"])


class _Ledger(Collector):
    """What the ledger knows, at this moment."""

    def __init__(self, service: Service, desk: Desk) -> None:
        self._service, self._desk = service, desk

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Jobs and migrations by state, and what is known of resources."""
        jobs = GaugeMetricFamily("pumphouse_jobs", "Jobs, of the last 1000.", labels=["command", "state"])
        counted = Counter((job.command, job.state) for job in self._desk.jobs.all())
        for (command, state), number in counted.items():
            jobs.add_metric([command, state], number)
        yield jobs
        waiting = [j.created_at for j in self._desk.jobs.unfinished() if j.state is JobState.WAITING]
        yield GaugeMetricFamily(
            "pumphouse_oldest_waiting_job_timestamp_seconds",
            "When the job was handed in that has waited longest; 0 when none waits.",
            value=min(waiting, default=0.0),
        )
        states = GaugeMetricFamily("pumphouse_migrations", "Migrations.", labels=["state"])
        for where, count in Counter(m.state for m in self._service.migrations()).items():
            states.add_metric([where], count)
        yield states


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request, service: Opened, desk: AtDesk) -> Response:
    """Numbers for Prometheus."""
    now = CollectorRegistry()
    now.register(_Ledger(service, desk))
    text = generate_latest(request.app.state.registry) + generate_latest(now)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
