#!/usr/bin/env bash
# Builds the web pages into dashboard/dist. Without npm the plain pages serve.
set -euo pipefail
cd "$(dirname "$0")/../dashboard/web"
if ! command -v npm >/dev/null 2>&1; then
	echo "npm is not here: serving the plain pages; install Node 20 and run make again for the full ones"
	exit 0
fi
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || a === 20 && b >= 19 ? 0 : 1)' || {
	echo "Node $(node --version) is too old: serving the plain pages; install Node 20.19 or newer and run make again for the full ones"
	exit 0
}
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.installed ]; then
	echo "installing the web build's packages"
	npm ci --no-audit --no-fund --loglevel=error
	touch node_modules/.installed
fi
echo "building the web pages"
npm run --silent build
touch ../dist/.built ../dist/.gitkeep
