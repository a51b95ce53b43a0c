# SPDX-License-Identifier: Apache-2.0
"""What real guests take: booted by a cloud, beside the same guests started without one."""
