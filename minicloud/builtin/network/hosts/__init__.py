# SPDX-License-Identifier: Apache-2.0
"""What the agents on hosts are told, and what they tell."""
