# SPDX-License-Identifier: Apache-2.0
"""What the image service does, one module per concern; every verb checks visibility and policy."""
