#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The power button was pressed.
exec /sbin/poweroff
