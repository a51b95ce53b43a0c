# SPDX-License-Identifier: Apache-2.0
"""One program per service, for a cloud of many processes."""
