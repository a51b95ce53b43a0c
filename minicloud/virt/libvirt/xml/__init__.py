# SPDX-License-Identifier: Apache-2.0
"""What libvirt's XML is: an element is a small class. What we want in it is decided in ``domain``."""
