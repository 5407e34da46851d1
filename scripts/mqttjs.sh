#!/usr/bin/env bash
# Installs mqtt.js for the door's test of a client in another language.
set -euo pipefail
cd "$(dirname "$0")/../ingest/door/testdata/mqttjs"
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.installed ]; then
	npm ci --no-audit --no-fund --loglevel=error
	touch node_modules/.installed
fi
