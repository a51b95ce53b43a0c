#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes this guest what its owner asked for. Run once at each start; what it prints is in the console's log.
. /etc/minicloud/functions
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

mounted() { grep -q " $1 " /proc/mounts 2>/dev/null; }

mounted /proc || mount -t proc proc /proc
mounted /sys || mount -t sysfs sysfs /sys 2>/dev/null
mounted /run || mount -t tmpfs -o mode=755,size=8m run /run 2>/dev/null
mounted /tmp || mount -t tmpfs -o mode=1777 tmp /tmp 2>/dev/null
if ! mounted /dev/pts; then
    mkdir -p /dev/pts
    mount -t devpts -o gid=5,mode=620 devpts /dev/pts 2>/dev/null
fi
mkdir -p /run/dhcp /run/minicloud
chmod 700 /run/minicloud
hostname minicloud 2>/dev/null
ip link set lo up 2>/dev/null

say "looking for what this guest is to be"
/etc/minicloud/network &

if find_config_drive; then
    say "configured by the config drive in $source"
    fetch=from_drive
elif wait_for_network 60 && find_metadata_service; then
    say "configured by the metadata service"
    fetch=from_service
else
    say "found neither a config drive nor a metadata service"
    fetch=from_nowhere
fi

$fetch meta_data.json > /run/minicloud/meta_data.json

name=$(json_value hostname)
if [ -n "$name" ]; then
    short=${name%%.*}
    hostname "$short" 2>/dev/null
    echo "$short" > /etc/hostname
    printf '127.0.0.1 localhost\n127.0.1.1 %s %s\n::1 localhost\n' "$name" "$short" > /etc/hosts
fi

json_keys > /run/minicloud/keys
for user in root minicloud; do
    home=$(home_of $user)
    mkdir -p "$home/.ssh"
    # Told nothing, it keeps what its host may have put there.
    [ $fetch = from_nowhere ] || cp /run/minicloud/keys "$home/.ssh/authorized_keys"
    touch "$home/.ssh/authorized_keys"
    chmod 700 "$home/.ssh"
    chmod 600 "$home/.ssh/authorized_keys"
    chown -R $user:$user "$home"
done
say "$(grep -c . /root/.ssh/authorized_keys) keys may log in as root or minicloud"

password=$(json_value admin_pass)
[ -n "$password" ] && set_password root "$password" && set_password minicloud "$password"

# A copy of another guest's disk is a new guest: it has keys of its own and runs its own script.
instance=$(json_value uuid)
if [ "$instance" != "$(cat /var/lib/minicloud/instance 2>/dev/null)" ] || [ ! -e /etc/dropbear/dropbear_ed25519_host_key ]; then
    rm -f /etc/dropbear/dropbear_*_host_key
    dropbearkey -t ed25519 -f /etc/dropbear/dropbear_ed25519_host_key >/dev/null 2>&1
    is_new=yes
fi
echo "$instance" > /var/lib/minicloud/instance
touch /run/minicloud/ready
say "SSH host key $(dropbearkey -y -f /etc/dropbear/dropbear_ed25519_host_key 2>/dev/null | grep -i fingerprint)"

[ -z "$is_new" ] || $fetch user_data > /run/minicloud/user-data
say "ready after $(cut -d ' ' -f 1 /proc/uptime) s"
