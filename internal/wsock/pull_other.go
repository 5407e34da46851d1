//go:build !unix

package wsock

// prepare does nothing: a connection waits with a buffer at hand.
func (c *Conn) prepare() {}
