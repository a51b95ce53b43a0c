# SPDX-License-Identifier: Apache-2.0
"""One declaration per resource."""
