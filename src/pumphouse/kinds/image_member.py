"""Projects an image is shared with, and whether they accepted."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pumphouse.errors import Conflict
from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref


class ImageMember(Kind):
    """Comes along when both the image and the project do."""

    name = "image_member"
    api = Api("image", "/images", "member", "members")
    refs = (Ref("image", "image_id"), Ref("project", "member_id"))
    portable = ("image_id", "member_id", "status")
    identity = ("image_id", "member_id")
    companion_of = ("image_id", "member_id")
    reads_after = ("image", "project")
    project_field = None
    grants = True
    skips_along = True
    left_at_source = "goes with its image"

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each shared image."""
        projects = {p.id: p.name for p in found["project"]}
        for image in found["image"]:
            if image.fields["visibility"] != "shared":
                continue
            for body in cloud.get("image", f"/images/{image.id}/members")["members"]:
                project = body["member_id"]
                fields = {"image_id": image.id, "member_id": project, "status": body["status"]}
                name = f"{image.name} for {projects.get(project, project)}"
                yield Item(self.name, f"{image.id}/{project}", name, None, fields)

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Being a member already is success."""
        path = f"/images/{want['image_id']}/members"
        with suppress(Conflict):
            cloud.post("image", path, {"member": want["member_id"]})
        return f"{want['image_id']}/{want['member_id']}"

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Accept or reject in the member's place, as it did at the source."""
        path = f"/images/{want['image_id']}/members/{want['member_id']}"
        cloud.put("image", path, {"status": want["status"]})

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Only the status can change."""
        self.finish(cloud, identifier, want, item)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Not being a member is success."""
        image, project = identifier.split("/")
        cloud.delete("image", f"/images/{image}/members/{project}")
