# shellcheck shell=bash
# Makes .venv for run_tests.sh and quickstart.sh; sourced, not run.
# SPDX-License-Identifier: Apache-2.0

# The first Python that is new enough. $PYTHON chooses one.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "minicloud needs Python 3.11 or later: install one and say PYTHON=/path/to/python3.11 before the command." >&2
    echo "Debian 12 and Ubuntu 24.04 have it as python3; Ubuntu 22.04 as python3.11 and python3.11-venv." >&2
    return 1
}

# make_venv FOLDER: a virtual environment with pip. Where Debian keeps venv in a package of
# its own it is installed if we are root; otherwise the command to run is shown.
make_venv() {
    local folder=$1 python package
    # One that was moved or copied has the old place in its programs, and one whose Python is gone does not run.
    case $("$folder/bin/pip" --version 2>/dev/null) in
        *" from $(pwd -P)/$folder/"*) return 0 ;;
    esac
    python=$(find_python) || return 1
    rm -rf "$folder"
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')
        if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
            echo "This Python has no venv module. Install it and run this again:" >&2
            echo "    sudo apt-get install $package" >&2
            return 1
        fi
        echo "Installing $package"
        apt-get install -y -qq "$package" >/dev/null \
            || { apt-get update -qq && apt-get install -y -qq "$package" >/dev/null; } || return 1
    fi
    "$python" -m venv "$folder"
}

# install_into FOLDER EXTRAS: minicloud, editable; nothing to do while setup.cfg is unchanged.
install_into() {
    local folder=$1 extras=$2 source stamps
    stamps=$folder/.minicloud-installed
    source="$(cksum <setup.cfg) $(pwd -P)"
    if grep -qsxF "$source $extras" "$stamps"; then
        return 0
    fi
    "$folder/bin/python" -m pip install --disable-pip-version-check --progress-bar off -q \
        -e ".${extras:+[$extras]}" || return 1
    # A line for each set of extras, so that tests and quick start can share a folder.
    { grep -sF "$source " "$stamps"; echo "$source $extras"; } >"$stamps.new"
    mv "$stamps.new" "$stamps"
}
