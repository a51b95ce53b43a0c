#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DevStack plugin: minicloud with its own identity, image and network services, over DevStack's RabbitMQ and database.
# In local.conf:  enable_plugin minicloud <where this repository is>

function minicloud_is_needed {
    is_service_enabled minicloud
}

function install_minicloud {
    setup_develop "$MINICLOUD_DIR" mysql,postgresql
}

function configure_minicloud {
    local name
    sudo install -d -o "$STACK_USER" "$MINICLOUD_CONF_DIR" "$MINICLOUD_STATE_DIR"
    rm -f "$MINICLOUD_CONF"
    install -m 0600 "$MINICLOUD_DIR/devstack/files/minicloud.conf" "$MINICLOUD_CONF"

    iniset "$MINICLOUD_CONF" DEFAULT state_dir "$MINICLOUD_STATE_DIR"
    iniset "$MINICLOUD_CONF" DEFAULT compute_driver "$MINICLOUD_DRIVER"
    iniset "$MINICLOUD_CONF" DEFAULT debug "$ENABLE_DEBUG_LOG_LEVEL"
    iniset "$MINICLOUD_CONF" DEFAULT transport_url "$(get_transport_url)"
    iniset "$MINICLOUD_CONF" cells transport_url "$(get_transport_url minicloud_cell1)"
    iniset "$MINICLOUD_CONF" front_end bind "$SERVICE_LISTEN_ADDRESS"
    iniset "$MINICLOUD_CONF" front_end port "$MINICLOUD_PORT"
    iniset "$MINICLOUD_CONF" front_end public_url "$MINICLOUD_URL"
    for name in api cell0 cell identity image network; do
        iniset "$MINICLOUD_CONF" database "$name" "$(minicloud_database "$name")"
    done
}

# minicloud names SQLAlchemy's driver for PostgreSQL; DevStack leaves it open.
function minicloud_database {
    local url
    url=$(database_connection_url "minicloud_$1")
    echo "${url/#postgresql:/postgresql+psycopg:}"
}

function init_minicloud {
    local name
    rabbit_setup minicloud_cell1 "$RABBIT_USERID"
    for name in api cell0 cell identity image network; do
        recreate_database "minicloud_$name"
    done
    # The first users get DevStack's password instead of random ones.
    (
        umask 077
        printf '{"admin": "%s", "demo": "%s", "minicloud": "%s"}\n' \
            "$ADMIN_PASSWORD" "$ADMIN_PASSWORD" "$SERVICE_PASSWORD" >"$MINICLOUD_STATE_DIR/passwords.json"
    )
    "$DEVSTACK_VENV/bin/minicloud-manage" --config-file "$MINICLOUD_CONF" bootstrap
}

# One unit per service, named as in `systemctl status devstack@minicloud-api`.
function start_minicloud {
    local name
    for name in $MINICLOUD_PROGRAMS; do
        run_process "minicloud-$name" "$DEVSTACK_VENV/bin/minicloud-$name --config-file $MINICLOUD_CONF"
    done
    wait_for_service "$SERVICE_TIMEOUT" "$MINICLOUD_URL/compute/" || die $LINENO "minicloud-api does not answer"
}

function stop_minicloud {
    local name
    for name in $MINICLOUD_PROGRAMS; do
        stop_process "minicloud-$name"
    done
}

if minicloud_is_needed; then
    case "$1 ${2:-}" in
        "stack install") install_minicloud ;;
        "stack post-config")
            configure_minicloud
            init_minicloud
            ;;
        "stack extra") start_minicloud ;;
        "unstack "*) stop_minicloud ;;
        "clean "*) sudo rm -rf "$MINICLOUD_CONF_DIR" "$MINICLOUD_STATE_DIR" ;;
    esac
fi
