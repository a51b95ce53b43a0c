#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs minicloud's own tests in .venv, which it makes. See --help.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
. tools/venv.sh

usage() {
    cat <<'TEXT'
Usage: ./run_tests.sh [--required] [--lint] [--help] [stestr options and test filters]

Makes .venv, installs minicloud with what its tests need, and runs the tests under tests/unit,
tests/contract, tests/functional and tests/integration. The last line is
"N passed, N failed, N skipped"; the exit status is 0 only if tests ran and none failed.

  --required  tests that need RabbitMQ, a database server, libvirt, Docker or a browser fail where they would skip
              (the same as MINICLOUD_REQUIRE_REAL=1)
  --lint      first ruff, hacking, import-linter, bandit, codespell, doc8, bashate and mypy
  --help      this text

Everything else goes to "stestr run", such as  ./run_tests.sh --failing  or  ./run_tests.sh tests.unit.web
PYTHON chooses the Python that .venv is made with; TEST_CONCURRENCY the number of workers (2).
TEXT
}

# Every linter runs even if one before it complains.
lint() {
    local status=0
    while read -r -a command; do
        echo "== ${command[*]}"
        "${command[@]}" </dev/null || status=1
    done <<'TEXT'
ruff check .
ruff format --check .
flake8 minicloud tests
lint-imports
bandit -q -c pyproject.toml -r minicloud
codespell
doc8 -q doc/source README.rst etc
mypy
TEXT
    echo "== bashate"
    bashate -i E006 ./*.sh tools/*.sh devstack/*.sh .ci/run || status=1
    return $status
}

runs() {
    cat .stestr/next-stream 2>/dev/null || echo 0
}

lint=0
options=()
for option in "$@"; do
    case $option in
        --required) export MINICLOUD_REQUIRE_REAL=1 ;;
        --lint) lint=1 ;;
        -h | --help) usage; exit 0 ;;
        *) options+=("$option") ;;
    esac
done

extras=test,mysql,postgresql,docker,privsep
# libvirt-python is compiled: only where libvirt-dev is, or where it has to be.
if [ -n "${MINICLOUD_REQUIRE_REAL:-}" ] || pkg-config --exists libvirt 2>/dev/null; then
    extras=$extras,libvirt
fi
[ "$lint" = 1 ] && extras=$extras,lint
make_venv .venv && install_into .venv "$extras" || exit 1
PATH=$PWD/.venv/bin:$PATH

status=0
if [ "$lint" = 1 ]; then
    lint || { echo "The linters complain (above)."; status=1; }
fi

before=$(runs)
stestr run --concurrency "${TEST_CONCURRENCY:-2}" ${options[@]+"${options[@]}"} </dev/null || status=1
if [ "$(runs)" = "$before" ]; then
    echo "No test ran."
    echo "0 passed, 0 failed, 0 skipped"
    exit 1
fi
stestr last --subunit | python tools/test_summary.py || status=1
exit $status
