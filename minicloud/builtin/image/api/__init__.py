# SPDX-License-Identifier: Apache-2.0
"""The image service's HTTP side: handlers, views and the table of routes."""
