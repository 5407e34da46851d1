#!/usr/bin/env bash
# Runs every fuzz target of the module one after the other and prints a table.
# usage: fuzz.sh DURATION [PARALLEL [PATTERN]]
#   DURATION  of all together, as 1h, 10m or 90s; each target gets the same share
#   PARALLEL  workers of a target; as many as there are cores if it is left out
#   PATTERN   only targets whose "package Name" matches it
# An input that fails stands under the package's testdata/fuzz afterwards: commit
# it with the fix. Of what the mutator found worth keeping, a little is put there
# too for the door and the payloads (KEEP=0 leaves that out). Exit status 1:
# something failed.
set -euo pipefail
cd "$(dirname "$0")/.."

case $1 in
*h) total=$((${1%h} * 3600)) ;;
*m) total=$((${1%m} * 60)) ;;
*s) total=${1%s} ;;
*) echo "fuzz.sh: DURATION is a number with h, m or s, not $1" >&2; exit 2 ;;
esac
parallel=${2:-}
parallel=${parallel:-$(nproc)}
mapfile -t targets < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' |
	sed -E 's|^(.*)/[^/]+:func (.*)$|\1 \2|' | grep -E "${3:-.}" | sort)
[ ${#targets[@]} -gt 0 ] || { echo "fuzz.sh: no target matches ${3:-.}" >&2; exit 2; }
each=$((total / ${#targets[@]}))
[ "$each" -gt 0 ] || each=1
module=$(go list -m)
cache=$(go env GOCACHE)/fuzz/$module
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

# keep PACKAGE NAME: at most 24 of the inputs in the cache that are at most 2 KiB,
# the smallest first; what is there already stays.
keep() {
	local from=$cache/$1/$2 to=$1/testdata/fuzz/$2
	[ "${KEEP:-1}" = 1 ] && [ -d "$from" ] || return 0
	mkdir -p "$to"
	local room=$((24 - $(find "$to" -type f | wc -l)))
	[ "$room" -gt 0 ] || return 0
	find "$from" -type f -size -3 -printf '%s %p\n' | sort -n | awk '$1 <= 2048' | # -size is in blocks of 512
		awk -v n="$(find "$from" -type f | wc -l)" -v room="$room" 'NR % (int(n / room) + 1) == 0' |
		head -n "$room" | cut -d' ' -f2- | while read -r f; do cp -n "$f" "$to/"; done
}

echo "| package | target | seconds | runs | new inputs | failures |"
echo "|---|---|--:|--:|--:|--:|"
for t in "${targets[@]}"; do
	read -r package name <<<"$t"
	echo "$package $name: $each s" >&2
	crashes=0
	if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "${each}s" -parallel "$parallel" "./$package" >"$log" 2>&1; then
		# The fuzzer may take its own end for a failure; then no input is written.
		if grep -q 'Failing input written\|FAIL.*\(build\|setup\) failed\|--- FAIL\|^panic:\|^fatal error:' "$log" &&
			! { grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; }; then
			crashes=1 failed=1
			cat "$log" >&2
		fi
	fi
	last=$(grep -E '^fuzz: elapsed' "$log" | tail -1 || true)
	runs=$(sed -nE 's/.*execs: ([0-9]+).*/\1/p' <<<"$last")
	new=$(sed -nE 's/.*new interesting: ([0-9]+).*/\1/p' <<<"$last")
	echo "| $package | $name | $each | ${runs:-0} | ${new:-0} | $crashes |"
	case $package in ingest/door | internal/wire/report) keep "$package" "$name" ;; esac
done
exit $failed
