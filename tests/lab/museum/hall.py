"""What all wings of the museum stand on: the project, its curator, and connections to both clouds."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from openstack.connection import Connection

PROJECT = "museum"
CURATOR = "curator"
PASSWORD = "curator-keeps-1t"


@dataclass
class Hall:
    """The museum in the source, and ways to look at it in both clouds.

    :param project: id of the project in the source.
    :param user: id of the curator in the source, a member of the project.
    """

    lab: Any
    project: str
    user: str

    @cached_property
    def admin(self) -> Connection:
        """The source's administrator."""
        return self.lab.connect("source")

    @cached_property
    def tenant(self) -> Connection:
        """The curator, in the project: what is made through this belongs to both."""
        return self.lab.connect("source", username=CURATOR, password=PASSWORD, project_name=PROJECT)

    def look(self, side: str) -> Connection:
        """An administrator of either cloud."""
        return self.lab.connect(side)

    def speaks(self, service: str, microversion: str, side: str = "source") -> bool:
        """Whether a service of a cloud knows a microversion; service as openstacksdk calls it."""
        youngest = getattr(self.look(side), service).get_endpoint_data().max_microversion
        return bool(youngest) and tuple(youngest) >= tuple(map(int, microversion.split(".")))

    def project_in(self, side: str) -> str:
        """Id of the project in either cloud."""
        return str(self.look(side).identity.find_project(PROJECT, ignore_missing=False).id)


def names_in(answer: Any) -> set[str]:
    """Names of all fields in an answer, however deep: what a release has to tell."""
    if isinstance(answer, list):
        return {name for each in answer for name in names_in(each)}
    if isinstance(answer, dict):
        return {*answer, *names_in(list(answer.values()))}
    return set()


def open_hall(lab: Any) -> Hall:
    """Make the project and its curator."""
    identity = lab.connect("source").identity
    project = identity.create_project(name=PROJECT, domain_id="default", description="one of everything")
    user = identity.create_user(
        name=CURATOR, domain_id="default", password=PASSWORD, default_project_id=project.id
    )
    role = identity.find_role("member", ignore_missing=False)
    identity.assign_project_role_to_user(project, user, role)
    return Hall(lab, project.id, user.id)


def find_hall(lab: Any) -> Hall:
    """The museum that came to the source by a migration: under its old names, with new ids."""
    identity = lab.connect("source").identity
    project = identity.find_project(PROJECT, ignore_missing=False)
    user = identity.find_user(CURATOR, ignore_missing=False)
    return Hall(lab, project.id, user.id)
