#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Asks DHCP on every NIC, also on those that come later, and stops asking on those that went.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

while :; do
    for folder in /sys/class/net/*; do
        nic=${folder##*/}
        [ "$nic" = lo ] && continue
        # Where Docker made the container it has addresses already; where libvirt did, nobody gave it one.
        [ -e "$folder/device" ] || [ "$container" = lxc-libvirt ] || continue
        pid=$(cat "/run/udhcpc.$nic.pid" 2>/dev/null)
        [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && continue
        ip link set "$nic" up
        udhcpc -i "$nic" -f -p "/run/udhcpc.$nic.pid" -t 3 -T 2 -A 3 -S -x hostname:"$(hostname)" \
            -O staticroutes -O mtu -s /usr/share/udhcpc/default.script >/dev/null 2>&1 &
        echo $! > "/run/udhcpc.$nic.pid"
    done
    for file in /run/udhcpc.*.pid; do
        nic=${file#/run/udhcpc.}
        nic=${nic%.pid}
        [ -e "$file" ] && [ ! -e "/sys/class/net/$nic" ] && kill "$(cat "$file")" 2>/dev/null && rm -f "$file" "/run/dhcp/$nic"
    done
    sleep 1
done
