package ingest

import "github.com/dianchi-platform/dianchi/internal/charge"

// lateMoment is how long after T a tick still shows how the city was at T.
const lateMoment = 60 * 1000

// keep puts how the city is, at the first tick after t, with what is kept of
// the past. It is the state that the rows of t are made from. Of a T that
// nobody saw in time, because the machine slept, there is nothing.
func (c *committer) keep(t charge.Millis) {
	if c.p.deps.Moments == nil || c.at-t > lateMoment {
		return
	}
	moment := c.p.deps.Live.Moment(t)
	c.p.running.Go(func() {
		body, err := moment().Encode()
		if err == nil {
			err = c.p.deps.Moments.Put(t, body)
		}
		if err != nil {
			c.p.log.Warn("nobody will be able to look back at this moment", "t", t.String(), "err", err)
		}
	})
}
