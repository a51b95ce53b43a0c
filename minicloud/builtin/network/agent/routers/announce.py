# SPDX-License-Identifier: Apache-2.0
"""Tells a network where some addresses are from now on: gratuitous ARP (RFC 5227, section 3).

A program of its own, run within a namespace, with nothing but the standard library:
``announce.py DEVICE MAC ADDRESS...``
"""

from __future__ import annotations

import socket
import struct
import sys

_ARP = 0x0806
_EVERYBODY = b"\xff" * 6
_REQUEST, _REPLY = 1, 2


def frame(mac: bytes, address: bytes, operation: int) -> bytes:
    """A claim of an address for all to hear; some listen to requests, some to answers only."""
    head = _EVERYBODY + mac + struct.pack("!HHHBBH", _ARP, 1, 0x0800, 6, 4, operation)
    return head + mac + address + (_EVERYBODY if operation == _REPLY else bytes(6)) + address


def main(device: str, mac: str, *addresses: str) -> None:
    octets = bytes.fromhex(mac.replace(":", ""))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((device, _ARP))
        for address in addresses:
            for operation in (_REQUEST, _REPLY):
                raw.send(frame(octets, socket.inet_aton(address), operation))


if __name__ == "__main__":
    main(*sys.argv[1:])
