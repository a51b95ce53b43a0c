# SPDX-License-Identifier: Apache-2.0
"""What every API front end shares: operations as tables, validation, policy, faults, paging.

A front end is a tuple of :class:`~minicloud.web.operation.Operation` rows and one call of
:func:`minicloud.web.app.make_app`. Handlers see a :class:`~minicloud.web.operation.Call`
and return plain data; only this package and the ``api`` packages know of pecan and WebOb.
"""
