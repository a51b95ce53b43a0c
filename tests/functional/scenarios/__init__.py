# SPDX-License-Identifier: Apache-2.0
"""What a cloud of any shape must do; the test modules above say on which."""
