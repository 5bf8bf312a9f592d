"""``PUT /clusters/N/changes``: what Fuel minds before it begins, then the work itself."""

import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus

from pumphouse.lab.fuel import disks
from pumphouse.lab.fuel.answers import Failure
from pumphouse.lab.fuel.hardware import Broken, Hardware
from pumphouse.lab.fuel.state import Cluster, Node, State, Task

STEPS = (0, 25, 50, 75, 100)  # percent


class Changes:
    """One deployment of an environment: removals, then installations.

    :param pace: seconds of each step.
    """

    def __init__(self, state: State, hardware: Hardware, cluster: Cluster, pace: float) -> None:
        self._state = state
        self._hardware = hardware
        self._cluster = cluster
        self._pace = pace
        members = state.members(cluster.id)
        self._leave = [node for node in members if node.pending_deletion]
        stay = [node for node in members if not node.pending_deletion]
        # a deployment that failed is repeated without writing the disk again, from 8.0 on
        write = ("discover", "error") if not state.release.has_pending else ("discover",)
        self._write = [
            n for n in stay if n.status in write or (n.status == "error" and n.error_type != "deploy")
        ]
        self._deploy = [*self._write, *(n for n in stay if n.status == "error" and n not in self._write)]
        self._others = [n for n in stay if n.status == "ready"] if state.release.runs_all else []
        self._all = len(self._write) == len(stay) or not state.release.runs_all
        self._watched = stay if state.release.runs_all else [n for n in stay if n.status != "ready"]
        self._failed = ""

    def begin(self) -> Task:
        """Start it, or tell by a task that has failed why not; called with the state locked.

        :raises Failure: when something runs already, or nothing is to be done.
        """
        state, cluster, release = self._state, self._cluster, self._state.release
        changed = bool(self._leave or self._deploy)
        if running := state.running(cluster.id):
            self._refuse_running(running)
        if not changed and not release.runs_all:
            raise Failure(HTTPStatus.BAD_REQUEST, "No changes to deploy")
        state.forget_tasks(cluster.id)
        task = state.new_task("deploy", cluster.id, "pending" if release.has_pending else "running")
        if self._deploy and not release.runs_all:
            _end(state.new_task("check_networks", cluster.id, "ready"), "ready", None)
        if wrong := self._wrong():
            check = state.new_task("check_before_deployment", cluster.id, "error", task.id)
            for each in (task, check):
                _end(each, "error", wrong)
            if not release.runs_all:
                cluster.status = "error"
            return task
        if not release.has_pending:
            self._take()
        threading.Thread(target=self._run, args=(task,), daemon=True).start()
        return task

    def _refuse_running(self, running: list[Task]) -> None:
        if self._state.release.runs_all:
            words = "Cannot perform the actions because there are another running tasks."
            raise Failure(HTTPStatus.BAD_REQUEST, words, bare=True)
        if not self._state.release.has_pending:
            raise Failure(HTTPStatus.INTERNAL_SERVER_ERROR, "Deployment already started", bare=True)
        them = ", ".join(f"<Task '{t.name}' {t.uuid} ({t.cluster}) {t.status}>" for t in running)
        words = f"Cannot perform the actions because there are running tasks [{them}]"
        raise Failure(HTTPStatus.INTERNAL_SERVER_ERROR, words, bare=True)

    def _wrong(self) -> str:
        """What speaks against it before it begins."""
        if away := [node for node in self._watched if not node.online]:
            them = ",".join(f"{node.name} (id={node.id}, mac={node.mac})" for node in away)
            return f'Nodes "{them}" are offline. Remove them from environment and try again.'
        return next(filter(None, (disks.too_small(node) for node in self._write)), "")

    def _take(self) -> None:
        """What was pending counts from now on."""
        self._cluster.status = "deployment"
        for node in self._write:
            node.status, node.progress = "provisioning", 0
            node.roles = node.roles or node.pending_roles
            node.pending_roles, node.pending_addition = [], False
            node.provisioned = True

    def _run(self, task: Task) -> None:
        """The work, in a thread of its own."""
        time.sleep(self._pace)
        with self._state.lock:
            task.status, task.started = "running", _now()
            self._take()
        said = [self._remove(task)]
        if not self._failed:
            said += [self._provision(task), self._install(task)]
        with self._state.lock:
            self._cluster.status = "error" if self._failed else "operational"
            words = "\n".join(filter(None, said))
            _end(task, "error" if self._failed else "ready", self._failed or words)
            self._state.save()

    def _remove(self, task: Task) -> str:
        if not self._leave:
            return ""
        child = self._child("node_deletion", task)
        self._step([], task)
        removed = 0
        for node in self._leave:
            try:
                if node.online:
                    self._hardware.erase(node.macs)
                    removed += 1
            except Broken:
                self._failed = "erase failed"
                with self._state.lock:
                    node.status, node.pending_deletion = "error", False
                continue
            with self._state.lock:
                del self._state.nodes[node.id]
                self._state.save()
        words = f"Successfully removed {removed} node(s)" if removed else "No nodes were removed"
        self._state.tasks.pop(child.id, None)
        return f"{words}. No errors occurred"

    def _provision(self, task: Task) -> str:
        if not self._write:
            return ""
        child = self._child("provision", task)
        self._step(self._write, task)
        broken = [node for node in self._write if self._fails(node, "provision")]
        for node in broken:
            self._deploy.remove(node)
        if broken:
            names = "\n".join(f"'{node.name}'" for node in broken)
            self._failed = f"Provision has failed. Check these nodes:\n{names}"
            if not self._state.release.runs_all:
                self._failed = "Deployment has failed. image write failed"
        if self._state.release.runs_all:
            self._cluster.status = "partially_deployed"
        whole = (
            f"environment '{self._cluster.name}'" if self._all else f"{len(self._write)} environment node(s)"
        )
        words = f"Provision of {whole} is done."
        _end(child, "error" if broken else "ready", None if not self._state.release.has_pending else words)
        return "" if not self._state.release.has_pending else words

    def _install(self, task: Task) -> str:
        nodes = [*self._deploy, *self._others]
        if not nodes:
            return ""
        child = self._child("deployment", task)
        for node in nodes:
            node.status, node.progress = "deploying", 0
            if self._state.release.runs_all and node not in self._write:
                node.error_type = None
        self._step(nodes, task)
        broken = [node for node in self._deploy if self._fails(node, "deploy")]
        for node in self._others:
            node.status, node.progress = "ready", 100
        words = f"Deployment of environment '{self._cluster.name}' is done."
        if not self._state.release.has_pending:
            words += " Access the OpenStack dashboard (Horizon) at http://172.16.0.2/"
        if broken:
            self._failed = words = "Deployment has failed. puppet failed"
        _end(child, "error" if broken else "ready", words)
        return words

    def _fails(self, node: Node, stage: str) -> bool:
        """Do the work of a stage on a node; whether it went wrong."""
        provision = stage == "provision"
        try:
            if provision:
                self._hardware.write(node.macs, self._cluster.name, node.fqdn)
            else:
                self._hardware.start(node.macs, self._cluster.name)
        except Broken:
            with self._state.lock:
                node.status, node.progress, node.error_type = "error", 100, stage
            return True
        with self._state.lock:
            node.status, node.progress = "provisioned" if provision else "ready", 100
        return False

    def _step(self, nodes: list[Node], task: Task) -> None:
        for percent in STEPS:
            task.progress = percent
            for node in nodes:
                node.progress = percent
            time.sleep(self._pace)

    def _child(self, name: str, task: Task) -> Task:
        with self._state.lock:
            return self._state.new_task(name, self._cluster.id, "running", task.id)


def _end(task: Task, status: str, message: str | None) -> None:
    task.progress, task.message, task.ended, task.status = 100, message, _now(), status


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat()
