#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The disks, as "lsblk -b -l --nodeps" tells them: with bytes, without partitions. Options change nothing.
row='%-8s %7s %2s %14s %2s %-4s %s\n'
# shellcheck disable=SC2059
printf "$row" NAME MAJ:MIN RM SIZE RO TYPE MOUNTPOINT
for folder in /sys/class/block/*; do
    name=${folder##*/}
    [ -e "$folder/device" ] || continue
    kind=disk
    [ "${name#sr}" = "$name" ] || kind=rom
    mounted=$(awk -v disk="/dev/$name" '$1 == disk { print $2; exit }' /proc/mounts)
    # shellcheck disable=SC2059
    printf "$row" "$name" "$(cat "$folder/dev")" "$(cat "$folder/removable")" $(($(cat "$folder/size") * 512)) \
        "$(cat "$folder/ro")" $kind "$mounted"
done
