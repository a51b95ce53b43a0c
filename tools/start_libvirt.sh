#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs libvirt's daemons on a machine without systemd, for tests: QEMU then runs as root and unconfined, so
# never do this where guests of strangers run. Where systemd runs, the distribution's own units do all of it.
#
#   tools/start_libvirt.sh start    make users and folders that are missing, write qemu.conf, start what is not running;
#                                   with --listen libvirtd listens as its libvirtd.conf says, for live migrations
#   tools/start_libvirt.sh stop     stop the daemons; guests go on
#   tools/start_libvirt.sh status   say whether libvirt answers

set -o errexit -o nounset -o pipefail

QEMU_CONF=/etc/libvirt/qemu.conf
MARK="# Written by minicloud's tools/start_libvirt.sh; for test hosts only."

ensure_accounts() {
    local group
    for group in kvm libvirt libvirt-qemu; do
        getent group "$group" > /dev/null || groupadd --system "$group"
    done
    getent passwd libvirt-qemu > /dev/null || useradd --system --no-create-home --home-dir /var/lib/libvirt \
        --shell /usr/sbin/nologin --gid kvm --groups libvirt-qemu libvirt-qemu
}

ensure_folders() {
    mkdir -p /var/log/libvirt/qemu /var/lib/libvirt/qemu /var/cache/libvirt /run/libvirt /etc/libvirt
}

# A qemu.conf that somebody else wrote is kept beside ours.
ensure_qemu_conf() {
    if [[ -e "$QEMU_CONF" ]] && ! grep -qF "$MARK" "$QEMU_CONF"; then
        cp --no-clobber "$QEMU_CONF" "$QEMU_CONF.before-minicloud"
    fi
    cat > "$QEMU_CONF" << CONF
$MARK
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
CONF
}

# By the daemon's own pid file: other processes of that name, such as those of containers, are not ours.
daemon_pid() {
    local pid
    pid=$(cat "/run/$1.pid" 2> /dev/null) || return 1
    [[ "$(cat "/proc/$pid/comm" 2> /dev/null)" == "$1" ]] || return 1
    # One that has ended, but whose parent has not noticed, has no program any more.
    [[ -e "/proc/$pid/exe" ]] || return 1
    echo "$pid"
}

is_running() {
    daemon_pid "$1" > /dev/null
}

answers() {
    timeout 60 virsh --quiet --connect qemu:///system version > /dev/null 2>&1
}

start() {
    ensure_accounts
    ensure_folders
    is_running libvirtd || ensure_qemu_conf
    is_running virtlogd || virtlogd --daemon
    is_running libvirtd || libvirtd --daemon "$@"
    if ! answers; then
        echo "libvirt does not answer; its log is in /var/log/libvirt or the system's journal" >&2
        exit 1
    fi
}

stop() {
    local name pid
    for name in libvirtd virtlogd; do
        if pid=$(daemon_pid "$name"); then
            kill "$pid"
            timeout 20 bash -c "while [[ -e /proc/$pid/exe ]]; do sleep 0.1; done"
        fi
    done
}

case "${1:-start}" in
    start) start "${@:2}" ;;
    stop) stop ;;
    status) answers ;;
    *)
        echo "usage: $0 [start [--listen]|stop|status]" >&2
        exit 2
        ;;
esac
