# SPDX-License-Identifier: Apache-2.0
"""Errors of the network API; a class's name is the ``type`` that clients of Neutron match."""

from __future__ import annotations

from minicloud import exception
from minicloud.exception import Conflict, NotFound

# --- 400 ---------------------------------------------------------------------------------------


class BadRequest(exception.BadRequest):
    """What Neutron has no name of its own for; raised with a message."""


class InvalidInput(BadRequest):
    template = "Invalid input for operation: {reason}."


class InvalidIpForNetwork(BadRequest):
    template = "IP address {address} is not a valid IP for any of the subnets on the specified network."


class InvalidIpForSubnet(BadRequest):
    template = "IP address {address} is not a valid IP for the specified subnet."


class InvalidAllocationPool(BadRequest):
    template = "The allocation pool {pool} is not valid."


class OutOfBoundsAllocationPool(BadRequest):
    template = "The allocation pool {pool} spans beyond the subnet cidr {cidr}."


class OverlappingAllocationPools(Conflict):
    template = "Found overlapping allocation pools: {first} and {second} for subnet {cidr}."


class GatewayConflictWithAllocationPools(Conflict):
    template = "Gateway ip {address} conflicts with allocation pool {pool}."


class GatewayIpInUse(Conflict):
    template = "Current gateway ip {address} already in use by port {port_id}. Unable to update."


class InvalidRoutes(BadRequest):
    template = "Invalid format for routes: {routes}, {reason}"


class PortSecurityAndIPRequiredForSecurityGroups(BadRequest):
    template = "Port security must be enabled and port must have an IP address in order to use security groups."


class SecurityGroupRemoteGroupAndRemoteIpPrefix(BadRequest):
    template = "Only remote_ip_prefix or remote_group_id may be provided."


class SecurityGroupInvalidPortRange(BadRequest):
    template = "For TCP/UDP protocols, port_range_min must be <= port_range_max"


class SecurityGroupInvalidPortValue(BadRequest):
    template = "Invalid value for port {port}"


class SecurityGroupInvalidIcmpValue(BadRequest):
    template = "Invalid value for ICMP {field} ({attr}) {value}. It must be 0 to 255."


class SecurityGroupMissingIcmpType(BadRequest):
    template = "ICMP code (port-range-max) {value} is provided but ICMP type (port-range-min) is missing."


class SecurityGroupProtocolRequiredWithPorts(BadRequest):
    template = "Must also specify protocol if port range is given."


class SecurityGroupInvalidProtocolForPort(BadRequest):
    template = "Invalid protocol {protocol} for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP."


class SecurityGroupRuleInvalidProtocol(BadRequest):
    template = "Security group rule protocol {protocol} not supported. Use a known name or a number from 0 to 255."


class SecurityGroupRuleParameterConflict(BadRequest):
    template = "Conflicting value ethertype {ethertype} for CIDR {cidr}"


class SecurityGroupRulesNotSingleTenant(BadRequest):
    template = "Multiple projects in bulk security group rule create not allowed"


# --- 404 ---------------------------------------------------------------------------------------


class NetworkNotFound(exception.NetworkNotFound):
    pass


class SubnetNotFound(NotFound):
    template = "Subnet {subnet_id} could not be found."


class AgentNotFound(NotFound):
    template = "Agent {id} could not be found."


class PortNotFound(exception.PortNotFound):
    template = "Port {port_id} could not be found."


class RouterNotFound(NotFound):
    template = "Router {router_id} could not be found"


class RouterInterfaceNotFound(NotFound):
    template = "Router {router_id} does not have an interface with id {port_id}"


class RouterInterfaceNotFoundForSubnet(NotFound):
    template = "Router {router_id} has no interface on subnet {subnet_id}"


class FloatingIPNotFound(NotFound):
    template = "Floating IP {floatingip_id} could not be found"


class ExternalGatewayForFloatingIPNotFound(NotFound):
    template = (
        "External network {network_id} is not reachable from subnet {subnet_id}. "
        "Therefore, cannot associate Port {port_id} with a Floating IP."
    )


class SecurityGroupNotFound(NotFound):
    template = "Security group {id} does not exist"


class SecurityGroupRuleNotFound(NotFound):
    template = "Security group rule {id} does not exist"


class TagNotFound(NotFound):
    template = "Tag {tag} could not be found."


class ExtensionNotFound(NotFound):
    template = "Extension with alias {alias} does not exist"


class PortBindingNotFound(NotFound):
    template = "Binding for port {port_id} for host {host} could not be found."


# --- 409 ---------------------------------------------------------------------------------------


class NetworkInUse(Conflict):
    template = (
        "Unable to complete operation on network {network_id}. There are one or more ports still in use on the "
        "network, id for these ports is: {ports}."
    )


class InvalidSharedSetting(Conflict):
    template = "Unable to reconfigure sharing settings for network {network}. Multiple projects are using it."


class SubnetInUse(Conflict):
    template = "Unable to complete operation on subnet {subnet_id}: {reason}"


class PortInUse(Conflict):
    template = (
        "Unable to complete operation on port {port_id} for network {network_id}. "
        "Port already has an attached device {device_id}."
    )


class ServicePortInUse(Conflict):
    template = "Port {port_id} cannot be deleted directly via the port API: {reason}."


class MacAddressInUse(Conflict):
    template = "Unable to complete operation for network {network_id}. The mac address {mac} is in use."


class IpAddressAlreadyAllocated(Conflict):
    template = "IP address {address} already allocated in subnet {subnet_id}"


class IpAddressGenerationFailure(Conflict):
    template = "No more IP addresses available on network {network_id}."


class RouterInUse(Conflict):
    template = "Router {router_id} {reason}"


class RouterInterfaceInUseByFloatingIP(Conflict):
    template = (
        "Router interface for subnet {subnet_id} on router {router_id} cannot be deleted, "
        "as it is required by one or more floating IPs."
    )


class RouterInterfaceInUseByRoute(Conflict):
    template = (
        "Router interface for subnet {subnet_id} on router {router_id} cannot be deleted, "
        "as it is required by one or more routes."
    )


class RouterExternalGatewayInUseByFloatingIp(Conflict):
    template = (
        "Gateway cannot be updated for router {router_id}, since a gateway to external network {network_id} "
        "is required by one or more floating IPs."
    )


class FloatingIPPortAlreadyAssociated(Conflict):
    template = (
        "Cannot associate floating IP {address} with port {port_id} using fixed IP {fixed}, "
        "as that fixed IP already has a floating IP on external network {network_id}."
    )


class SecurityGroupInUse(Conflict):
    template = "Security Group {id} in use."


class SecurityGroupCannotRemoveDefault(Conflict):
    template = "Insufficient rights for removing default security group."


class SecurityGroupDefaultAlreadyExists(Conflict):
    template = "Default security group already exists."


class SecurityGroupCannotUpdateDefault(Conflict):
    template = "Updating default security group not allowed."


class SecurityGroupRuleExists(Conflict):
    template = "Security group rule already exists. Rule id is {id}."


class OverQuota(Conflict):
    template = "Quota exceeded for resources: {overs}."


class PortBindingAlreadyExists(Conflict):
    template = "Binding for port {port_id} on host {host} already exists."


class PortBindingAlreadyActive(Conflict):
    template = "Binding for port {port_id} on host {host} is already active."


class NoDefaultExternalNetwork(Conflict):
    template = "Deployment error: no default external network for the auto-allocated topology of {project_id}."


class AutoAllocationFailure(Conflict):
    template = "Deployment error: {reason}."
