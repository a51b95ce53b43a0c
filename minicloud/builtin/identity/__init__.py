# SPDX-License-Identifier: Apache-2.0
"""The built-in identity service: Keystone's v3 API on one small database.

``app.make_app`` serves it, ``service.Identity`` is the same without HTTP, and
``bootstrap.bootstrap`` fills a new cloud.
"""
