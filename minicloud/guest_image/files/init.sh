#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First program of a guest: inserts the modules, finds the root file system by its label and starts it.
/bin/busybox --install -s /bin 2>/dev/null
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do
    insmod "$module" 2>/dev/null
done

# The first in the order of their names: a guest that is rescued has two, and boots from the first.
root_file_system() {
    local disk
    for disk in /dev/[hsv]d*; do
        # The label of an ext4 file system, where it stands in its superblock.
        if [ "$(dd if="$disk" bs=1 skip=1144 count=16 2>/dev/null | tr -d '\0')" = minicloud-root ]; then
            echo "$disk"
            return
        fi
    done
    return 1
}

tries=0
until disk=$(root_file_system); do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then
        echo "minicloud: no disk has a file system labelled minicloud-root; here is a shell"
        exec sh </dev/console >/dev/console 2>&1
    fi
    usleep 100000
done
mount -t ext4 -o rw,noatime "$disk" /root
mount --move /dev /root/dev
umount /sys /proc
exec switch_root /root /sbin/init
