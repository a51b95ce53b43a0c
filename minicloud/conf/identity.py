# SPDX-License-Identifier: Apache-2.0
"""The built-in identity service: tokens, passwords, caching."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("identity", title="The built-in identity service")

OPTS = [
    cfg.IntOpt(
        "token_expiration",
        default=3600,
        min=60,
        max=30 * 86400,
        help="Seconds that a token is valid. A token got with another token ends when that one does.",
    ),
    cfg.IntOpt(
        "allow_expired_window",
        default=172800,
        min=0,
        help="Seconds after its end in which a service may still validate a token with allow_expired=1, so that a long "
        "operation can be finished for the user who began it.",
    ),
    cfg.FloatOpt(
        "cache_time",
        default=4.0,
        min=0.0,
        max=60.0,
        help="Seconds that what a token means is remembered. Changes made in the same process (a revoked token, a role "
        "taken away, a disabled user) hold at once; those made by other processes after at most this long. 0: never "
        "remember.",
    ),
    cfg.IntOpt(
        "password_hash_rounds",
        default=10,
        min=4,
        max=31,
        help="Cost of a bcrypt hash, as a power of two: 10 is about 60 ms, 12 a quarter of a second. It is kept with "
        "each hash: a change holds for passwords that are set afterwards.",
    ),
    cfg.IntOpt(
        "fernet_max_active_keys",
        default=3,
        min=2,
        help="Keys that rotation keeps: one staged, one that encrypts, and the rest for tokens made before. Rotate no "
        "oftener than token_expiration / (fernet_max_active_keys - 2).",
    ),
]
