# SPDX-License-Identifier: Apache-2.0
"""Every error of minicloud, with the HTTP status it becomes at a front end.

An exception carries its code, so that one hook at the edge turns any of them into a
response and no controller translates. ``details`` travel over RPC with the exception.
"""

from __future__ import annotations

from typing import Any, ClassVar


class MinicloudError(Exception):
    """Base of all errors; ``template`` is filled from the keyword arguments."""

    code: ClassVar[int] = 500
    template: ClassVar[str] = "An unexpected error occurred."
    #: Whether the message may be shown to a client when the code is a 5xx.
    safe: ClassVar[bool] = True

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.details = details
        # oslo.messaging rebuilds a remote exception from args and kwargs.
        self.kwargs = details
        super().__init__(message if message is not None else self.template.format(**details))

    @property
    def message(self) -> str:
        return str(self.args[0])

    def __str__(self) -> str:
        return self.message


# --- 400 ---------------------------------------------------------------------------------------


class BadRequest(MinicloudError):
    code = 400
    template = "The request is not valid."


class ValidationError(BadRequest):
    """A body or a query that its schema refuses; the message names the field and the bound."""

    template = "Invalid input for {field}: {reason}"


class InvalidMarker(BadRequest):
    template = "marker [{marker}] not found"


class InvalidSortKey(BadRequest):
    template = "Sort key supplied was not valid: {key}"


class KeypairInvalid(BadRequest):
    template = "Keypair data is invalid: {reason}"


class ImageUnacceptable(BadRequest):
    template = "Image {image_id} is unacceptable: {reason}"


class FlavorTooSmall(BadRequest):
    template = "Flavor's {what} is too small for requested image: {have} < {need}"


class NetworkAmbiguous(MinicloudError):
    code = 409
    template = "Multiple possible networks found, use a Network ID to be more specific."


class RequestedNetworkNotFound(BadRequest):
    """A network that POST /servers names; these five are 400 there, whatever they are elsewhere."""

    template = "Network {network_id} could not be found."


class RequestedPortNotFound(BadRequest):
    template = "Port id {port_id} could not be found."


class RequestedFixedIpInvalid(BadRequest):
    template = "Fixed IP {address} is not a valid ip address for network {network_id}."


class RequestedFixedIpInUse(BadRequest):
    template = "Fixed IP address {address} is already in use."


class RequestedSecurityGroupNotFound(BadRequest):
    template = "Security group {security_group_id} not found for project {project_id}."


class NetworkRequiresSubnet(BadRequest):
    template = "Network {network_id} requires a subnet in order to boot instances on."


class SecurityGroupCannotBeApplied(BadRequest):
    template = "Network requires port_security_enabled and subnet associated in order to apply security groups."


class ConsoleTypeUnavailable(BadRequest):
    template = "Unavailable console type {console_type}."


class InterfaceAttachFailedNoNetwork(BadRequest):
    template = "No specific network was requested and none are available for project '{project_id}'."


class PortRequiresFixedIp(BadRequest):
    template = "Port {port_id} requires a FixedIP in order to be used."


class UnableToAutoAllocateNetwork(BadRequest):
    template = "Unable to automatically allocate a network for project {project_id}"


class InvalidVersion(BadRequest):
    template = "API Version String {version} is of invalid format. Must be of format MajorNum.MinorNum."


# --- 401, 403 ----------------------------------------------------------------------------------


class Unauthorized(MinicloudError):
    code = 401
    template = "The request you have made requires authentication."


class Forbidden(MinicloudError):
    code = 403
    template = "The action is not allowed."


class PolicyNotAuthorized(Forbidden):
    template = "Policy doesn't allow {action} to be performed."


class QuotaExceeded(Forbidden):
    """Nova's wording, which clients match: ``resource`` lists all that are over."""

    template = "Quota exceeded for {resource}: Requested {requested}, but already used {used} of {limit} {resource}"


class InstanceIsLocked(MinicloudError):
    code = 409
    template = "Instance {instance_uuid} is locked"


class PortLimitExceeded(QuotaExceeded):
    template = "Maximum number of ports exceeded"


class ExternalNetworkAttachForbidden(Forbidden):
    template = "It is not allowed to create an interface on external network {network_id}"


# --- 404 ---------------------------------------------------------------------------------------


class NotFound(MinicloudError):
    code = 404
    template = "The resource could not be found."


class VersionNotFoundForAPIMethod(NotFound):
    template = "API version '{version}' is not supported on this method."


class InstanceNotFound(NotFound):
    template = "Instance {instance_id} could not be found."


class FlavorNotFound(NotFound):
    template = "Flavor {flavor_id} could not be found."


class FlavorAccessNotFound(NotFound):
    template = "Flavor access not found for {flavor_id} / {project_id} combination."


class FlavorExtraSpecsNotFound(NotFound):
    template = "Flavor {flavor_id} has no extra specs with key {key}."


class KeypairNotFound(NotFound):
    template = "Keypair {name} not found for user {user_id}"


class AggregateNotFound(NotFound):
    template = "Aggregate {aggregate_id} could not be found."


class AggregateHostNotFound(NotFound):
    template = "Aggregate {aggregate_id} has no host {host}."


class ServiceNotFound(NotFound):
    template = "Service {service_id} could not be found."


class HostNotFound(NotFound):
    template = "Host {host} could not be found."


class ComputeHostNotFound(NotFound):
    template = "Compute host {host} could not be found."


class HypervisorNotFound(NotFound):
    template = "Hypervisor with ID '{hypervisor_id}' could not be found."


class ServerGroupNotFound(NotFound):
    template = "Instance group {group_uuid} could not be found."


class ActionNotFound(NotFound):
    template = "Action for request_id {request_id} on instance {instance_uuid} not found"


class CellMappingNotFound(NotFound):
    template = "Cell {uuid} has no mapping."


class ImageNotFound(NotFound):
    template = "Image {image_id} could not be found."


class NetworkNotFound(NotFound):
    template = "Network {network_id} could not be found."


class PortNotFound(NotFound):
    template = "Port id {port_id} could not be found."


class SecurityGroupNotFound(NotFound):
    template = "Security group {security_group_id} not found."


class ProjectNotFound(NotFound):
    template = "Project {project_id} could not be found."


# --- 405, 406, 410, 413, 415 ------------------------------------------------------------------------


class MethodNotAllowed(MinicloudError):
    code = 405
    template = "The method {method} is not allowed for this resource."


class VersionNotAcceptable(MinicloudError):
    code = 406
    template = "Version {version} is not supported by the API. Minimum is {minimum} and maximum is {maximum}."


class Gone(MinicloudError):
    code = 410
    template = "This resource is no longer available. No forwarding address is given."


class RequestTooLarge(MinicloudError):
    code = 413
    template = "Request is too large; the limit is {limit} bytes."


class UnsupportedMediaType(MinicloudError):
    code = 415
    template = "Unsupported Content-Type {content_type}; send application/json."


# --- 409 ---------------------------------------------------------------------------------------


class Conflict(MinicloudError):
    code = 409
    template = "The request conflicts with the state of the resource."


class InstanceInvalidState(Conflict):
    """Nova's wording, which clients match."""

    template = "Cannot '{method}' instance {instance_uuid} while it is in {attr} {state}"


class UnexpectedState(Conflict):
    """A compare-and-swap that lost: the row was not in the expected state."""

    template = "Conflict updating instance {instance_uuid}. Expected: {expected}. Actual: {actual}"


class FlavorExists(Conflict):
    template = "Flavor with name {name} already exists."


class FlavorIdExists(Conflict):
    template = "Flavor with ID {flavor_id} already exists."


class FlavorAccessExists(Conflict):
    template = "Flavor access already exists for flavor {flavor_id} and project {project_id} combination."


class KeypairExists(Conflict):
    template = "Key pair '{name}' already exists."


class AggregateNameExists(Conflict):
    template = "Aggregate {name} already exists."


class AggregateHostExists(Conflict):
    template = "Aggregate {aggregate_id} already has host {host}."


class PortInUse(Conflict):
    template = "Port {port_id} is still in use."


class FixedIpInUse(Conflict):
    template = "Fixed IP address {address} is already in use on instance {instance_uuid}."


class NoUniqueMatch(Conflict):
    template = "Multiple {what} found matching '{name}'. Use an ID to be more specific."


class NoMoreFixedIps(Conflict):
    template = "No fixed IP addresses available for network: {network_id}"


class AllocationConflict(Conflict):
    """A claim lost the race for a provider; the scheduler tries again."""

    template = "Allocations of {consumer} on {provider} conflict with another claim."


# --- scheduling and building -------------------------------------------------------------------


class NoValidHost(MinicloudError):
    """No host passed; ``reason`` is Nova's wire text, the per-host reasons are kept apart."""

    code = 400
    template = "No valid host was found. {reason}"


class BuildFailed(MinicloudError):
    """A host could not build the server and another may be tried."""

    template = "Build of instance {instance_uuid} failed: {reason}"


class BuildAborted(MinicloudError):
    """A build that no other host should try."""

    template = "Build of instance {instance_uuid} aborted: {reason}"


class VirtualInterfacePluggingFailed(BuildAborted):
    """Nova aborts a build for this reason too: on another host it would hardly be otherwise."""

    template = (
        "Ports of instance {instance_uuid} were not up within {seconds} s: {ports}. Is there a network agent on host "
        "{host}? See 'openstack network agent list' and its log."
    )


class MaxRetriesExceeded(NoValidHost):
    template = (
        "Exceeded maximum number of retries. Exhausted all hosts available for retrying build "
        "failures for instance {instance_uuid}."
    )


class VirtError(MinicloudError):
    template = "The hypervisor reported an error: {reason}"


class HypervisorAway(VirtError):
    """Nobody answered: what was asked for was not done, or nobody knows, and guests are as they were."""

    code = 503
    template = "The hypervisor does not answer: {reason}"


class InterfaceAttachFailed(MinicloudError):
    template = "Failed to attach network adapter device to {instance_uuid}"


class InterfaceDetachFailed(MinicloudError):
    template = "Failed to detach network adapter device from {instance_uuid}"


class ConsoleNotAvailable(Conflict):
    template = "The console of instance {instance_uuid} is not available: {reason}"


class MigrationPreCheckError(BadRequest):
    template = "Migration pre-check error: {reason}"


class MigrationAborted(MinicloudError):
    template = "The live migration was aborted."


class InvalidMigrationState(BadRequest):
    template = (
        "Migration {migration_id} state of instance {instance_uuid} is {state}. "
        "Cannot {method} while the migration is in this state."
    )


class MigrationNotFound(NotFound):
    template = "Migration {migration_id} for server {instance_uuid} could not be found."


class GuestNotFound(NotFound):
    template = "The guest of instance {instance_uuid} does not exist on this host."


# --- 501, 503 ----------------------------------------------------------------------------------


class NotSupported(MinicloudError):
    code = 501
    template = "The driver of this host does not support {what}."


class ServiceUnavailable(MinicloudError):
    code = 503
    template = "The service is unavailable: {reason}"


class CellTimeout(ServiceUnavailable):
    template = "Cell {cell} did not answer in time."


class ConfigurationError(MinicloudError):
    template = "Configuration error: {reason}"
