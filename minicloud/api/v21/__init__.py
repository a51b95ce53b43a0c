# SPDX-License-Identifier: Apache-2.0
"""The resources of the compute API, one package each, mirroring the URL space."""
