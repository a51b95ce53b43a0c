# SPDX-License-Identifier: Apache-2.0
"""A guest's way to another host while it runs: what the hosts tell each other, its definition there, the job."""
