package api

import _ "embed"

// The documents that clients are built from. Tests hold them against the code.
var (
	//go:embed openapi.yaml
	openapiYAML []byte
	//go:embed asyncapi.yaml
	asyncapiYAML []byte
	//go:embed docs.html
	docsHTML []byte
)
