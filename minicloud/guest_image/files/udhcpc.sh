#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What to do with what DHCP says: address, MTU (option 26), routes (option 121, which overrides the router), DNS.

routes() {
    # pairs of "net/length gateway"
    while [ $# -ge 2 ]; do
        if [ "$2" = 0.0.0.0 ]; then
            ip route replace "$1" dev "$interface" metric "$metric"
        else
            ip route replace "$1" via "$2" dev "$interface" metric "$metric" onlink
        fi
        shift 2
    done
}

# The first NIC's routes are preferred.
metric=$((100 + $(cat "/sys/class/net/$interface/ifindex")))

case $1 in
deconfig)
    ip addr flush dev "$interface" scope global 2>/dev/null
    rm -f "/run/dhcp/$interface"
    ;;
bound | renew)
    [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
    ip addr flush dev "$interface" scope global
    ip addr add "$ip/${mask:-24}" dev "$interface"
    if [ -n "$staticroutes" ]; then
        # shellcheck disable=SC2086
        routes $staticroutes
    else
        for one in $router; do
            routes 0.0.0.0/0 "$one"
            break
        done
    fi
    {
        [ -n "$domain" ] && echo "search $domain"
        for one in $dns; do echo "nameserver $one"; done
    } > /run/resolv.conf
    echo "$ip" > "/run/dhcp/$interface"
    [ "$1" = bound ] && echo "minicloud: $interface has $ip" > /dev/console
    ;;
esac
exit 0
