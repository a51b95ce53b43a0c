# SPDX-License-Identifier: Apache-2.0
"""For tools that still ask for it; everything is said in setup.cfg."""

import setuptools

setuptools.setup()
