# SPDX-License-Identifier: Apache-2.0
"""A hypervisor that only pretends, but pretends well: people test their tools against it.

It remembers its guests across restarts, has a capacity, power states and console logs, and
is as slow and as faulty as its configuration (``[fake]``) and the metadata of each server
(:mod:`minicloud.virt.fake.faults`) say.
"""

from minicloud.virt.fake.abilities import FakeDriver

__all__ = ["FakeDriver"]
