# SPDX-License-Identifier: Apache-2.0
"""Images on a compute host: fetched once, verified, converted and kept for the next guest.

What comes from the image service is hostile until it is checked. ``download`` compares it with its checksum,
``formats`` looks at what it really is and refuses what would make a hypervisor open another file, ``convert`` writes it
anew under limits, and ``cache`` keeps the result.
"""

from minicloud.virt.images.cache import CachedImage, Entry, ImageCache
from minicloud.virt.images.download import download
from minicloud.virt.images.progress import Progress, Step

__all__ = ["CachedImage", "Entry", "ImageCache", "Progress", "Step", "download"]
