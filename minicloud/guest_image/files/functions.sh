# SPDX-License-Identifier: Apache-2.0
# What the scripts of this guest share.

say() { echo "minicloud: $*"; }

# --- where the configuration comes from ---

# A disk labelled config-2, or the folder that stands for one in a container.
find_config_drive() {
    source=/var/lib/cloud/seed/config_drive
    [ -e $source/openstack/latest/meta_data.json ] && return 0
    disk=$(findfs LABEL=config-2 2>/dev/null || findfs LABEL=CONFIG-2 2>/dev/null) || return 1
    source=/run/config-drive
    mkdir -p $source
    mount -o ro "$disk" $source 2>/dev/null || mount -t iso9660 -o ro "$disk" $source || return 1
    [ -e $source/openstack/latest/meta_data.json ]
}

# Busybox's own time-out of wget is not to be trusted.
ask() { timeout 6 wget -q -O - "http://169.254.169.254/openstack/latest/$1" 2>/dev/null; }

# Whether there is one; what it says is kept, so that it is asked once.
find_metadata_service() {
    for try in 1 2 3 4 5; do
        ask meta_data.json > /run/minicloud/answer
        grep -q '"uuid"' /run/minicloud/answer && return 0
        sleep 1
    done
    return 1
}

from_drive() { cat "$source/openstack/latest/$1" 2>/dev/null; }
from_service() { if [ "$1" = meta_data.json ]; then cat /run/minicloud/answer; else ask "$1"; fi; }
from_nowhere() { :; }

# --- JSON, as far as it is needed ---

# A string of the meta data by its name.
json_value() {
    grep -o "\"$1\": *\"[^\"]*\"" /run/minicloud/meta_data.json | head -n 1 | sed 's/^[^:]*: *"//; s/"$//'
}

# Every public key, a line each.
json_keys() {
    tr '\n' ' ' < /run/minicloud/meta_data.json | grep -o '"public_keys": *{[^}]*}' | grep -o ': *"[^"]*"' |
        sed 's/^: *"//; s/"$//; s/\\n//g; s/\\r//g; s/\\\//\//g'
}

# --- users ---

home_of() { grep "^$1:" /etc/passwd | cut -d : -f 6; }

set_password() {
    hash=$(mkpasswd -m sha512 -- "$2" 2>/dev/null) || return 1
    sed "s|^$1:[^:]*:|$1:$hash:|" /etc/shadow > /etc/shadow.new && chmod 600 /etc/shadow.new && mv /etc/shadow.new /etc/shadow
}

# --- network ---

# Until a NIC has an address; not when there is none. Seconds.
wait_for_network() {
    left=$1
    # A container is plugged in after its start, so that it may be faster.
    plugged_by=$left
    [ -e /.dockerenv ] && plugged_by=$((left - 15))
    while [ "$left" -gt 0 ]; do
        [ -n "$(ls /run/dhcp 2>/dev/null)" ] && return 0
        ip -4 addr show scope global 2>/dev/null | grep -q inet && return 0
        [ "$left" -le "$plugged_by" ] && [ "$(ls /sys/class/net | grep -v -c '^lo$')" = 0 ] && return 1
        left=$((left - 1))
        sleep 1
    done
    return 1
}
