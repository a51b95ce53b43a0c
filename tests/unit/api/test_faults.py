# SPDX-License-Identifier: Apache-2.0
"""What a database refuses of a request is the request's fault, and tells nothing of the statement."""

from __future__ import annotations

import sqlalchemy as sa
import testtools
from oslo_db import exception as db_exc

from minicloud.web import faults


class DataErrors(testtools.TestCase):
    def test_a_value_that_does_not_fit_is_a_400(self) -> None:
        inner = sa.exc.DataError("INSERT INTO secrets", {}, Exception("value too long"))
        for error in (db_exc.DBDataError(inner), db_exc.DBError(inner)):
            code, message, _name = faults.describe(error)
            self.assertEqual((400, False), (code, "secrets" in message or "INSERT" in message))

    def test_any_other_error_is_a_500(self) -> None:
        inner = sa.exc.ProgrammingError("SELECT secrets", {}, Exception("no such column"))
        code, message, _name = faults.describe(db_exc.DBError(inner))
        self.assertEqual((500, False), (code, "secrets" in message))
