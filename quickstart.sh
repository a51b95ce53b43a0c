#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to a server that runs, in .venv, which it makes. See --help.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
. tools/venv.sh

server=hello
driver=fake
declare -A drivers=([fake]=fake.FakeDriver [libvirt]=libvirt.LibvirtDriver [docker]=docker.DockerDriver)

usage() {
    cat <<'TEXT'
Usage: ./quickstart.sh [options]

Makes .venv, installs minicloud and the openstack client in it, starts a cloud in the background and
boots a server; a real one is then asked by SSH how it is. Doing it again is quick and harmless: what is
there is shown, not made again.

  --name SERVER    the server to boot (hello)
  --hosts N        compute hosts of a cloud that is not running yet (1)
  --port P         the port of everything (8774)
  --driver D       fake (the default): servers that only pretend, on any machine
                   libvirt: virtual machines; docker: containers. Both with real networks, as root on Debian
                   or Ubuntu; the packages they need are named and then installed
  --state-dir DIR  where the cloud keeps everything ($MINICLOUD_STATE_DIR, else /var/lib/minicloud
                   for root and ~/.local/share/minicloud for others)
  --help           this text

PYTHON chooses the Python that .venv is made with: 3.11 or later.
TEXT
}

# die HINT...: the hints say what to do next.
die() {
    printf '%s\n' "$@" >&2
    exit 1
}

# step TEXT HINT COMMAND...: one line with the seconds it took; if it fails also its output, and the hint.
step() {
    local text=$1 hint=$2 begin=$SECONDS
    shift 2
    printf '%-58s ' "$text"
    if "$@" >"$output" 2>&1 </dev/null; then
        echo "$((SECONDS - begin)) s"
    else
        echo "failed"
        tail -n 30 "$output" >&2
        die "" "$hint"
    fi
}

# The real client, whatever cloud the caller's environment is set up for.
client() {
    (
        unset "${!OS_@}"
        [ -z "$config" ] || export OS_CLIENT_CONFIG_FILE=$config
        OS_CLOUD=minicloud exec .venv/bin/openstack "$@"
    )
}

show_server() {
    client server show "$server" -c id -c name -c status -c addresses -c image -c fault
}

boot_server() {
    if [ "$driver" = fake ]; then
        client server create --flavor m1.tiny --image tiny --network private --wait "$server"
    else
        client server create --flavor m1.nano --image guest --network private --key-name "$server" --wait "$server"
    fi
}

install_all() {
    local extras=cli
    [ "$driver" = fake ] || extras=cli,$driver
    install_into .venv "$extras"
}

# What a real driver needs of the operating system and is not there, on one line.
missing_packages() {
    local profiles=("$driver" guest)
    [ "$driver" != libvirt ] || [ ! -d /run/systemd/system ] || profiles+=(systemd)
    .venv/bin/bindep -b "${profiles[@]}" | xargs
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # several of them
    apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold $packages
}

# Docker as the machine runs it, else one of our own; its socket is the last line printed.
start_daemon() {
    if [ "$driver" = docker ] && curl -sf -m 5 --unix-socket /var/run/docker.sock http://localhost/_ping >/dev/null; then
        echo unix:///var/run/docker.sock
    else
        "tools/start_$driver.sh" start
    fi
}

# The guest's image, key and floating address, and a first word from it.
prepare_guest() {
    .venv/bin/minicloud image build-guest --name guest ${guest_form[@]+"${guest_form[@]}"} ${cloud[@]+"${cloud[@]}"}
}

make_key() {
    client keypair show "$server" >/dev/null 2>&1 || {
        mkdir -p "$(dirname "$key")" && rm -f "$key" && (umask 077 && client keypair create "$server" >"$key")
    }
}

give_address() {
    floating=$(client floating ip create public -f value -c floating_ip_address) \
        && client server add floating ip "$server" "$floating"
}

floating_address() {
    client floating ip list --port "$(client port list --server "$server" -f value -c ID | head -n 1)" \
        -f value -c "Floating IP Address" | head -n 1
}

ask_guest() {
    local left=120
    until ssh -i "$key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
        -o BatchMode=yes -o ConnectTimeout=3 "root@$floating" 'echo "$(hostname) is up for $(cut -d. -f1 /proc/uptime) s"'; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 1
    done
}

up=()
cloud=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --name | --hosts | --port | --driver | --state-dir)
            [ -n "${2:-}" ] || die "$1 wants a value; ./quickstart.sh --help tells which."
            ;;&
        --name) server=$2 ;;
        --driver) driver=$2 ;;
        --hosts | --port) up+=("$1" "$2") ;;
        --state-dir) cloud=(--state-dir "$(cd "$OLDPWD" && realpath -m -- "$2")") ;;
        *) die "There is no option $1; ./quickstart.sh --help has those there are." ;;
    esac
    shift 2
done

[ -n "${drivers[$driver]:-}" ] || die "There is no driver $driver: fake, libvirt and docker are there."
case $driver in
    libvirt) guest_form=(--kernel-initrd) ;;
    docker) guest_form=(--docker) ;;
    *) guest_form=() ;;
esac

# As further commands for the same cloud have to say it, in this shell's words.
same=${cloud[1]:+$(printf ' --state-dir %q' "${cloud[1]}")}
proxy=${http_proxy:-${HTTP_PROXY:-}}
output=$(mktemp) || die "No temporary file can be made: is the disk full? TMPDIR chooses another place."
trap 'rm -f "$output"' EXIT
key=${XDG_DATA_HOME:-$HOME/.local/share}/minicloud-keys/$server
# A proxy cannot reach a cloud on this machine.
export no_proxy=127.0.0.1,localhost,::1${no_proxy:+,$no_proxy}
export NO_PROXY=$no_proxy

step "Making .venv" "When that is mended, run ./quickstart.sh again." make_venv .venv
if [ "$driver" != fake ]; then
    step "Looking what $driver needs (bindep.txt)" "Is the network there? pip heeds https_proxy and PIP_INDEX_URL." \
        .venv/bin/python -m pip install --disable-pip-version-check -q 'bindep>=2.13,<3'
    packages=$(missing_packages)
    if [ -n "$packages" ]; then
        echo "  missing: $packages"
        [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null \
            || die "" "Install them and run this again:  sudo apt-get install $packages"
        step "Installing them" "When that is mended, run ./quickstart.sh --driver $driver again." install_packages
    fi
fi
step "Installing minicloud and the client (a minute at first)" \
    "Is the network there? pip heeds https_proxy and PIP_INDEX_URL. Then run ./quickstart.sh again." install_all
if [ "$driver" != fake ]; then
    step "Starting $driver's daemon" "When that is mended, run ./quickstart.sh --driver $driver again." \
        start_daemon
    [ "$driver" != docker ] || { DOCKER_HOST=$(tail -n 1 "$output") && export DOCKER_HOST; }
fi
step "Starting the cloud" \
    "When that is mended, run ./quickstart.sh again; --help has options that may help." \
    env OS_IMAGE__BUILD_GUEST=false .venv/bin/minicloud up --detach --driver "${drivers[$driver]}" ${up[@]+"${up[@]}"} ${cloud[@]+"${cloud[@]}"}
config=$(sed -n 's/^ *export OS_CLIENT_CONFIG_FILE=//p' "$output")
url=$(sed -n 's/^The cloud is ready at //p' "$output")

if ! shown=$(show_server 2>"$output"); then
    grep -q "No [Ss]erver" "$output" || die "$(cat "$output")" "" \
        "The cloud was started but the client does not get on with it. Its log: .venv/bin/minicloud logs$same"
    if [ "$driver" != fake ]; then
        step "Making a small guest" "The log: .venv/bin/minicloud logs$same" prepare_guest
        step "Making a key" "Why it failed stands above." make_key
    fi
    step "Booting the server '$server'" \
        "Why: .venv/bin/minicloud explain$same $server; the log: .venv/bin/minicloud logs$same" boot_server
    shown=$(show_server 2>&1)
fi

if [ "$driver" != fake ] && floating=$(floating_address); then
    [ -n "$floating" ] || step "Giving it a floating address" "Why it failed stands above." give_address
    floating=$(floating_address)
    step "Asking it by SSH, at $floating" "Its console: openstack console log show $server" ask_guest
    said=$(tail -n 1 "$output")
    shown=$(show_server 2>&1)
fi

printf '\n%s\n' "$shown"
[ -z "${said:-}" ] || printf '\n    ssh -i %q root@%s\n    %s\n' "$key" "$floating" "$said"
case $shown in
    *"| ERROR "*) printf '\nWhy it failed: .venv/bin/minicloud explain%s %s\n' "$same" "$server" ;;
esac
cat <<TEXT

The cloud is at $url and goes on running. To use it from this shell:

    source $PWD/.venv/bin/activate
    export OS_CLOUD=minicloud          # an ordinary user; minicloud-admin administers the cloud
${config:+    export OS_CLIENT_CONFIG_FILE=$config
}${proxy:+    export no_proxy=$no_proxy
}    openstack server list

    minicloud status$same
    minicloud logs$same
    minicloud down$same

'down' stops it and loses nothing, 'up' has it back, 'reset' removes it.
TEXT
