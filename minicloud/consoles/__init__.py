# SPDX-License-Identifier: Apache-2.0
"""The proxies that bring consoles of guests to browsers, and the pages that show them there.

A proxy serves a page, checks the token that the page brings, asks the guest's host where
the console listens by now, and carries bytes between a WebSocket and that place.
"""
