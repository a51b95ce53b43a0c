#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Answers its host by QEMU's guest agent protocol, a line of JSON each, as far as a cloud asks: passwords and power.
. /etc/minicloud/functions
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Where the host is heard; a guest whose image does not ask for an agent has no such port.
channel() {
    for port in /sys/class/virtio-ports/*; do
        if [ "$(cat "$port/name" 2>/dev/null)" = org.qemu.guest_agent.0 ]; then
            echo "/dev/${port##*/}"
            return
        fi
    done
    return 1
}

# The value of a name in a request: a string or a number.
asked() { echo "$request" | sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; }

answer() { echo "{\"return\": $1}"; }
refuse() { echo "{\"error\": {\"class\": \"$1\", \"desc\": \"$2\"}}"; }

change_password() {
    user=$(asked username)
    if ! grep -q "^$user:" /etc/passwd || [ "$(asked crypted)" = true ]; then
        refuse GenericError "no password of $user can be set so"
    elif set_password "$user" "$(asked password | base64 -d)"; then
        answer "{}"
    else
        refuse GenericError "the password could not be set"
    fi
}

# By its mode. The host waits for the end, not for an answer.
shut_down() {
    case $(asked mode) in
        reboot) reboot ;;
        *) poweroff ;;
    esac
}

reply() {
    case $(asked execute) in
        guest-sync) answer "$(asked id)" ;;
        guest-sync-delimited) printf '\377' && answer "$(asked id)" ;;
        guest-ping) answer "{}" ;;
        guest-set-user-password) change_password ;;
        guest-shutdown) shut_down ;;
        *) refuse CommandNotFound "this agent cannot do that" ;;
    esac
}

device=$(channel) || exit 0
# Open for good: the host comes when it is, and goes when it is closed. Until then there is nothing to read.
exec 3<>"$device"
while true; do
    while read -r request <&3; do
        reply >&3
    done
    sleep 1
done
