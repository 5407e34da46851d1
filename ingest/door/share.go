package door

// maxShare is how many bytes of packets over 64 KiB one party's connections
// may hold while they come in. The next ones are not read before there is
// room, so a party that sends giants slowly on many connections slows itself.
const maxShare = 64 << 20

// takeShare waits until size more bytes may come in; false when the connection
// is to end. give gives them back.
func (c *conn) takeShare(size int) (give func(), ok bool) {
	if size <= smallPacket {
		return func() {}, true
	}
	d := c.door
	for {
		d.mu.Lock()
		p := d.party(c.party.Num)
		if p.coming == 0 || p.coming+size <= maxShare {
			p.coming += size
			d.mu.Unlock()
			return func() { c.giveShare(size) }, true
		}
		if p.room == nil {
			p.room = make(chan struct{})
		}
		room := p.room
		d.mu.Unlock()
		select {
		case <-room:
		case <-c.ctx.Done():
			return nil, false
		case <-c.drains:
			return nil, false
		}
	}
}

func (c *conn) giveShare(size int) {
	d := c.door
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.party(c.party.Num)
	p.coming -= size
	if p.room != nil {
		close(p.room)
		p.room = nil
	}
	d.tidy(c.party.Num)
}

// idSet is a set of packet ids. It takes 8 KiB, once it has held one.
type idSet struct {
	bits  *[1 << 10]uint64
	count int
}

func (s *idSet) has(id uint16) bool { return s.bits != nil && s.bits[id>>6]&(1<<(id&63)) != 0 }

func (s *idSet) put(id uint16, in bool) {
	if s.has(id) == in {
		return
	}
	if s.bits == nil {
		s.bits = new([1 << 10]uint64)
	}
	s.bits[id>>6] ^= 1 << (id & 63)
	if in {
		s.count++
	} else {
		s.count--
	}
}
