#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# For scripts that were written for a user who is not root; here only root may do what root may.
while :; do
    case $1 in
    -n | -E | -H) shift ;;
    --)
        shift
        break
        ;;
    -*)
        echo "sudo: $1 is not known here" >&2
        exit 1
        ;;
    *) break ;;
    esac
done
if [ "$(id -u)" != 0 ]; then
    echo "sudo: only root may, log in as root" >&2
    exit 1
fi
exec env "$@"
