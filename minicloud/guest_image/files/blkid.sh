#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which disk has a label: blkid -L LABEL [-o device]
while [ $# -gt 0 ]; do
    case $1 in
    -L)
        label=$2
        shift
        ;;
    -o) shift ;;
    *)
        echo "blkid: $1 is not known here" >&2
        exit 4
        ;;
    esac
    shift
done
findfs "LABEL=$label" 2>/dev/null || exit 2
