# SPDX-License-Identifier: Apache-2.0
"""What the resources mean: one module per resource, no HTTP and no SQL in them."""
