package api

import _ "embed"

// The document that clients are built from. Tests hold it against the code.
//
//go:embed openapi.yaml
var openapiYAML []byte
