# SPDX-License-Identifier: Apache-2.0
"""Who may do what with images.

The manager checks visibility first (404 for what the caller may not see) and then one of
these rules against the image: ``project_id`` is its owner, ``member_id`` the project a
membership is about.
"""

from __future__ import annotations

from minicloud.web.policy import ADMIN, ADMIN_OR_MEMBER, ADMIN_OR_READER, ANYONE, RuleDefault, rule

_SHARER = f"{ADMIN} or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s))"
_RECEIVER = f"{ADMIN} or (role:member and project_id:%(member_id)s)"
_IMAGE = "/v2/images/{image_id}"

RULES = (
    rule("get_images", ANYONE, "List the images one can see", ("GET", "/v2/images")),
    rule("get_image", ANYONE, "Show an image one can see", ("GET", _IMAGE)),
    rule("add_image", ADMIN_OR_MEMBER, "Create an image", ("POST", "/v2/images")),
    rule("modify_image", ADMIN_OR_MEMBER, "Change an image, its properties and tags", ("PATCH", _IMAGE)),
    rule("delete_image", ADMIN_OR_MEMBER, "Delete an image", ("DELETE", _IMAGE)),
    rule("publicize_image", ADMIN, "Make an image public", ("POST", "/v2/images"), ("PATCH", _IMAGE)),
    rule("communitize_image", ADMIN_OR_MEMBER, "Make an image a community image", ("PATCH", _IMAGE)),
    rule("set_image_owner", ADMIN, "Create an image for another project, or give it away", ("POST", "/v2/images")),
    rule("upload_image", ADMIN_OR_MEMBER, "Upload or stage an image's data", ("PUT", f"{_IMAGE}/file")),
    rule("import_image", ADMIN_OR_MEMBER, "Import an image's data", ("POST", f"{_IMAGE}/import")),
    rule("download_image", ANYONE, "Download the data of an image one can see", ("GET", f"{_IMAGE}/file")),
    rule("download_deactivated_image", ADMIN, "Download it while deactivated", ("GET", f"{_IMAGE}/file")),
    rule("deactivate", ADMIN_OR_MEMBER, "Forbid downloads", ("POST", f"{_IMAGE}/actions/deactivate")),
    rule("reactivate", ADMIN_OR_MEMBER, "Allow downloads again", ("POST", f"{_IMAGE}/actions/reactivate")),
    rule("get_members", _SHARER, "List the projects an image is shared with", ("GET", f"{_IMAGE}/members")),
    rule("get_member", _SHARER, "Show one of them", ("GET", f"{_IMAGE}/members/{{member_id}}")),
    rule("add_member", ADMIN_OR_MEMBER, "Share an image", ("POST", f"{_IMAGE}/members")),
    rule("delete_member", ADMIN_OR_MEMBER, "Stop sharing an image", ("DELETE", f"{_IMAGE}/members/{{member_id}}")),
    rule("modify_member", _RECEIVER, "Accept or reject an image", ("PUT", f"{_IMAGE}/members/{{member_id}}")),
    # Not for everyone who sees the image: the URI of a download may have a secret in it.
    rule("get_image_tasks", ADMIN_OR_READER, "List the imports of an image", ("GET", f"{_IMAGE}/tasks")),
    rule("tasks_api_access", ADMIN, "List all imports", ("GET", "/v2/tasks"), ("GET", "/v2/tasks/{task_id}")),
    rule("get_stores", ANYONE, "See stores and import methods", ("GET", "/v2/info/stores"), ("GET", "/v2/info/import")),
    rule("get_metadef", ANYONE, "Read schemas and metadata definitions", ("GET", "/v2/schemas/image")),
)


def list_rules() -> tuple[RuleDefault, ...]:
    """What oslopolicy-sample-generator prints (entry point ``oslo.policy.policies``)."""
    return RULES
