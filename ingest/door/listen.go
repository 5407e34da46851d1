package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Start listens and returns; connections are served until Stop.
func (d *Door) Start(ctx context.Context) error {
	if d.cfg.Addr == "" && d.cfg.TLSAddr == "" {
		return errors.New("cannot open the MQTT door: it has no address")
	}
	if d.cfg.TLSAddr != "" && d.cfg.KeyPair == nil {
		return errors.New("cannot open the MQTT door: TLS needs a certificate")
	}
	var lc net.ListenConfig // with keep-alive probes, which find out about clients that vanished
	listen := func(addr string) (net.Listener, error) {
		if addr == "" {
			return nil, nil
		}
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("cannot open the MQTT door at %s: %w", addr, err)
		}
		return l, nil
	}
	var err error
	if d.plain, err = listen(d.cfg.Addr); err != nil {
		return err
	}
	if d.secure, err = listen(d.cfg.TLSAddr); err != nil {
		d.closeListeners()
		return err
	}
	if d.plain != nil {
		d.wg.Go(func() { d.accept(d.plain, nil) })
		d.log.Info("MQTT door is open", "addr", d.plain.Addr().String())
	}
	if d.secure != nil {
		cfg := d.cfg.KeyPair.Config()
		d.wg.Go(func() { d.accept(d.secure, cfg) })
		d.log.Info("MQTT door with TLS is open", "addr", d.secure.Addr().String())
	}
	go d.watch()
	return nil
}

func (d *Door) closeListeners() {
	for _, l := range []net.Listener{d.plain, d.secure} {
		if l != nil {
			l.Close()
		}
	}
}

// Addr returns the address of the plain listener, once started; nil without one.
func (d *Door) Addr() net.Addr { return addrIf(d.plain) }

// TLSAddr returns the address of the listener with TLS, once started; nil without one.
func (d *Door) TLSAddr() net.Addr { return addrIf(d.secure) }

func addrIf(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

// maxUnsent bounds what the kernel keeps for a client that does not read.
const maxUnsent = 128 << 10

// accept serves connections until the listener is closed, with TLS if cfg says how.
func (d *Door) accept(l net.Listener, cfg *tls.Config) {
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			d.refuse("accept", err)
			time.Sleep(50 * time.Millisecond) // out of files, most likely
			continue
		}
		if tc, ok := nc.(*net.TCPConn); ok {
			tc.SetWriteBuffer(maxUnsent)
		}
		if cfg != nil {
			nc = tls.Server(nc, cfg)
		}
		d.serve(nc)
	}
}

// serve begins to serve nc.
func (d *Door) serve(nc net.Conn) {
	c := newConn(d, nc)
	why := ""
	var out *conn
	d.mu.Lock()
	switch {
	case d.stopping:
		why = "stopping"
	case len(d.all) >= d.cfg.MaxConns+d.cfg.MaxWaiting+d.cfg.MaxConns/16+16: // some that are being closed still count
		why = "too-many-connections"
	case d.cfg.MaxAll > 0 && d.deps.Others != nil && len(d.all)+d.deps.Others() >= d.cfg.MaxAll:
		why = "too-many-connections"
	case d.waiting.byAddr[c.from] >= d.cfg.MaxAddrWaiting:
		why = "too-many-of-address"
	default:
		d.all[c] = struct{}{}
		out = d.waiting.add(c, d.cfg.MaxWaiting)
		d.wg.Add(2)
	}
	d.mu.Unlock()
	if why != "" {
		nc.Close()
		d.refuse(why, fmt.Errorf("%s: at %s", why, nc.RemoteAddr()))
		return
	}
	if out != nil {
		d.refuse("pushed-out", fmt.Errorf("pushed-out: a client at %s that was not let in", out.nc.RemoteAddr()))
		out.close(nil)
	}
	go c.readLoop()
	go c.writeLoop()
}

// handshake does TLS's, if the connection has it, within what is left until
// the CONNECT has to be there.
func (c *conn) handshake() error {
	tc, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	if !c.writeDeadline(c.door.cfg.ConnectTimeout) {
		return nil
	}
	if err := tc.HandshakeContext(c.ctx); err != nil {
		if c.ctx.Err() != nil {
			return nil // ended by us
		}
		c.door.refuse("tls-handshake", fmt.Errorf("tls-handshake: %w: at %s", err, c.nc.RemoteAddr()))
		return errHandshake
	}
	c.writeDeadline(0)
	return nil
}

var errHandshake = errors.New("no TLS")

// writeDeadline sets until when bytes must leave; 0 is for ever. False when
// the connection is being closed, which has a deadline of its own.
func (c *conn) writeDeadline(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	c.nc.SetWriteDeadline(at)
	return true
}
