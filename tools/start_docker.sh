#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Docker daemon of its own for tests: it shares nothing with a daemon that this machine may run, and touches
# neither iptables nor bridges. Both verbs may be repeated.
#
#   tools/start_docker.sh start [DIRECTORY [OPTIONS]]   prints the URL of its socket, for MINICLOUD_DOCKER_URL;
#                                                       OPTIONS are dockerd's
#   tools/start_docker.sh stop [DIRECTORY]    stops it, and removes the directory with all its images and containers
set -euo pipefail

verb=${1:-start}
home=${2:-/tmp/minicloud-docker}
pidfile=$home/docker.pid
socket=$home/docker.sock
containerd=$home/exec/containerd/containerd.pid
patience=30  # seconds

answers() {
    [ -S "$socket" ] && curl --silent --fail --max-time 5 --unix-socket "$socket" http://localhost/_ping >/dev/null
}

# alive PID: and not only waiting for its parent to notice that it has ended.
alive() {
    [ -e "/proc/$1/exe" ]
}

is_running() {
    [ -s "$pidfile" ] && alive "$(cat "$pidfile")"
}

start() {  # OPTIONS are the script's third argument and what follows
    mkdir -p -m 0700 "$home"
    if ! is_running; then
        rm -f "$pidfile"
        # A daemon that is killed takes its containerd with it; the next would wait until that one's parent knows.
        alive "$(cat "$containerd" 2>/dev/null)" || rm -f "$containerd"
        setsid dockerd --host "unix://$socket" --data-root "$home/data" --exec-root "$home/exec" \
            --pidfile "$pidfile" --iptables=false --ip6tables=false --bridge=none "${@:3}" \
            >"$home/dockerd.log" 2>&1 </dev/null &
    fi
    for ((tenths = 0; tenths < patience * 10; tenths++)); do
        if answers; then
            echo "unix://$socket"
            return 0
        fi
        sleep 0.1
    done
    echo "dockerd did not answer within ${patience} s:" >&2
    tail -n 20 "$home/dockerd.log" >&2
    return 1
}

stop() {
    if is_running; then
        pid=$(cat "$pidfile")
        kill "$pid"
        for ((tenths = 0; tenths < patience * 10; tenths++)); do
            alive "$pid" || break
            sleep 0.1
        done
    fi
    # What a daemon that was killed left mounted would keep its directory.
    awk -v home="$home/" 'index($2, home) == 1 {print $2}' /proc/self/mounts | sort -r | while read -r mounted; do
        umount --lazy "$mounted"
    done
    rm -rf "$home"
}

case $verb in
    start | stop) "$verb" "$@" ;;
    *)
        echo "usage: $0 start|stop [DIRECTORY]" >&2
        exit 2
        ;;
esac
