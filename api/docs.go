package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

// The documents that clients are built from. Tests hold them against the code.
var (
	//go:embed openapi.yaml
	openapiYAML []byte
	//go:embed asyncapi.yaml
	asyncapiYAML []byte
	//go:embed docs.html
	docsHTML []byte
)

// docsPolicy is the docs page's Content-Security-Policy: it runs nothing, loads
// nothing, and has the one style sheet that stands in it.
var docsPolicy = func() string {
	_, rest, _ := bytes.Cut(docsHTML, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}()

// docs answers the page for people.
func (a *API) docs(_ *request, w *answer) error {
	w.contentType, w.policy = "text/html; charset=utf-8", docsPolicy
	w.b = append(w.b, docsHTML...)
	return nil
}
