# SPDX-License-Identifier: Apache-2.0
"""The v2.0 API: resources are declared as tables of attributes; all else derives from them."""
