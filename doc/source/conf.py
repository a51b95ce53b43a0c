# SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds the manual."""

project = "minicloud"
copyright = "the minicloud authors"
extensions: list[str] = []
exclude_patterns: list[str] = []
html_theme = "alabaster"
