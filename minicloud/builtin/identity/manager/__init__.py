# SPDX-License-Identifier: Apache-2.0
"""Use cases of the identity service, one module per concern; each owns its transactions."""
