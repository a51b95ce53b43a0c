# SPDX-License-Identifier: Apache-2.0
"""Errors only the image service raises; clients match some of the texts."""

from __future__ import annotations

from minicloud import exception


class ImageConflict(exception.Conflict):
    """The image is not in a status that allows this."""

    template = "Image status transition from {have} to {want} is not allowed"


class DuplicateImage(exception.Conflict):
    template = "Image ID {image_id} already exists!"


class ImageProtected(exception.Forbidden):
    template = "Image {image_id} is protected and cannot be deleted."


class ImageGone(exception.MinicloudError):
    """Deleted while its data was on the way."""

    code = 410
    template = "Image {image_id} was deleted while its data was being saved."


class ReadOnlyAttribute(exception.Forbidden):
    template = "Attribute '{name}' is read-only."


class ReservedAttribute(exception.Forbidden):
    template = "Attribute '{name}' is reserved."


class PropertyConflict(exception.Conflict):
    template = "Property {name} does not exist."


class ImageDeactivated(exception.Forbidden):
    template = "The requested image has been deactivated. Image data download is forbidden."


class MembersNotAllowed(exception.Forbidden):
    template = "Only shared images have members."


class MemberNotFound(exception.NotFound):
    template = "{member_id} not found in the member list of the image {image_id}."


class DuplicateMember(exception.Conflict):
    template = "Image {image_id} is already associated with project {member_id}."


class TagNotFound(exception.NotFound):
    template = "Could not find tag {tag} of image {image_id}."


class TaskNotFound(exception.NotFound):
    template = "Task {task_id} could not be found."


class TooMany(exception.RequestTooLarge):
    template = "An image may have at most {limit} {what}; this makes {have}."


class ImageTooLarge(exception.RequestTooLarge):
    template = "The image is larger than the {limit} bytes that are allowed."


class StoreFull(exception.RequestTooLarge):
    template = "There is not enough space to keep the image."


class RangeNotSatisfiable(exception.MinicloudError):
    code = 416
    template = "The range is not within the {size} bytes of the image."


class FetchFailed(exception.BadRequest):
    """A web-download that could not be done; ``reason`` tells nothing of what was reached."""

    template = "The URI could not be downloaded: {reason}"


class UriRefused(exception.BadRequest):
    template = "URI for web-download does not pass filtering: {uri}"
