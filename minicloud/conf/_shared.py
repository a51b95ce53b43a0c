# SPDX-License-Identifier: Apache-2.0
"""Options that a library registers as well, where ours are there first and stay.

oslo.config refuses a second option of the same name unless both are equal; these say they
are. So the defaults and the help are ours, and hold before the library is even imported.
"""

from __future__ import annotations

from oslo_config import cfg


class _Shared(cfg.Opt):
    """Equal to any option of the same name."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, cfg.Opt) and bool(self.name == other.name)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = object.__hash__


class StrOpt(_Shared, cfg.StrOpt):
    pass


class BoolOpt(_Shared, cfg.BoolOpt):
    pass


class IntOpt(_Shared, cfg.IntOpt):
    pass


class FloatOpt(_Shared, cfg.FloatOpt):
    pass
