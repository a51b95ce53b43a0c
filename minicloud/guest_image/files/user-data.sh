#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the script that the owner gave as user data; once in the life of a guest, while SSH works already.
. /etc/minicloud/functions
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

script=/var/lib/minicloud/user-data
[ -e /run/minicloud/user-data ] || exit 0
mv /run/minicloud/user-data $script
chmod 700 $script
if [ "$(head -c 2 $script)" = '#!' ]; then
    say "running the user data"
    cd / && $script
    say "the user data ended with $?"
elif [ -s $script ]; then
    say "the user data is no script (it does not begin with #!), so it is only kept: $script"
fi
