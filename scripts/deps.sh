#!/usr/bin/env bash
# Installs what is missing through the system's package manager, and says so.
# usage: deps.sh build|test|bench
set -euo pipefail

need=()
want() { # want COMMAND PACKAGE
	command -v "$1" >/dev/null 2>&1 || need+=("$2")
}

want gcc gcc
if ! command -v go >/dev/null 2>&1; then
	echo "Go 1.26 or newer is needed: https://go.dev/doc/install" >&2
	exit 1
fi
if [ "$1" = test ]; then
	want mosquitto mosquitto
	[ -x /usr/sbin/mosquitto ] && need=("${need[@]/mosquitto/}")
	want mosquitto_pub mosquitto-clients
	want chromium chromium
	want npm npm
	want nginx nginx-light
	[ -x /usr/sbin/nginx ] && need=("${need[@]/nginx-light/}")
	fc-list 2>/dev/null | grep -qi 'cjk' || need+=(fonts-noto-cjk)
fi
if [ "$1" = bench ]; then
	want redis-server redis-server
fi
need=($(printf '%s\n' "${need[@]:-}" | grep . | sort -u || true))
finish() {
	[ "$1" = test ] || return 0
	"$(dirname "$0")/mqttjs.sh"
}
if [ ${#need[@]} -eq 0 ]; then
	finish "$1"
	exit
fi

echo "installing: ${need[*]}"
if ! command -v apt-get >/dev/null 2>&1; then
	echo "no apt-get here: install these with your package manager and run again" >&2
	exit 1
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
finish "$1"
