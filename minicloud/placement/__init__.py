# SPDX-License-Identifier: Apache-2.0
"""What hosts have and who uses it: a library on the placement tables of the API database."""
