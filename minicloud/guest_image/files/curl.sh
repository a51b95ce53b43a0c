#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# As much of curl as is needed to ask the metadata service: [-s] [-f] [-S] [-L] [-X METHOD] [-d DATA] [-o FILE] URL
to=-
data=
method=
url=
while [ $# -gt 0 ]; do
    case $1 in
    -X | --request)
        method=$2
        shift
        ;;
    -d | --data)
        data=$2
        method=${method:-POST}
        shift
        ;;
    -o | --output)
        to=$2
        shift
        ;;
    --) ;;
    -[sfSL]*) ;;
    -*)
        echo "curl: $1 is not known here" >&2
        exit 2
        ;;
    *) url=$1 ;;
    esac
    shift
done
case ${method:-GET} in
GET) exec wget -q -O "$to" "$url" ;;
POST) exec wget -q -O "$to" --post-data "$data" "$url" ;;
esac
echo "curl: $method is not known here" >&2
exit 2
