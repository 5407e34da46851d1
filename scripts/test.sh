#!/usr/bin/env bash
# Everything that must hold. Prints each step's seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { # step NAME COMMAND...
	local name=$1 began=$SECONDS
	shift
	"$@"
	echo "-- $name: $((SECONDS - began)) s"
}
gofmt_clean() { local bad; bad=$(gofmt -l $(git ls-files '*.go')); [ -z "$bad" ] || { echo "gofmt: $bad"; return 1; }; }

step format gofmt_clean
step vet go vet ./...
if [ -d dashboard/web/node_modules ]; then
	step "web unit tests" npm --prefix dashboard/web run --silent test
fi
step "go tests" go test -timeout 14m ./...
