package alarm

import (
	"slices"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// happening is an event of which a later look sees nothing. It counts as wrong
// for a little while, so that an alarm that could not be written at once is.
type happening struct {
	event record.AlarmEvent
	until charge.Millis
}

const happensFor = time.Minute

// happen says c now and for a minute.
func (d *Detector) happen(c record.AlarmEvent) {
	d.happened = slices.DeleteFunc(d.happened, func(o happening) bool { return keyOf(&o.event) == keyOf(&c) })
	d.happened = append(d.happened, happening{c, d.now.Add(happensFor)})
}

// judgeOwn says which of our own parts are in trouble. Counters are compared
// with the last look.
func (d *Detector) judgeOwn(h *Health) {
	own := func(rule, object string, severity Severity, level uint8, count uint64, text string) {
		d.wrong(record.AlarmEvent{Rule: rule, Object: object, Severity: uint8(severity), Level: level,
			Count: uint32(min(count, 1<<32-1)), Text: text})
	}
	worse := func(yes bool) Severity {
		if yes {
			return Critical
		}
		return Warning
	}
	if h.InfluxLag >= d.lim.InfluxLag {
		own(OwnInflux, "lag", worse(h.InfluxLag >= d.lim.InfluxLate), 0, uint64(h.InfluxLag/time.Second), "")
	}
	if h.InfluxDropped > d.before.InfluxDropped {
		d.happen(record.AlarmEvent{Rule: OwnInflux, Object: "refused", Severity: uint8(Critical),
			Count: uint32(min(h.InfluxDropped, 1<<32-1))})
	}
	if h.SpoolPct >= d.lim.SpoolWarn || h.SpoolFull {
		own(OwnSpool, "spool", worse(h.SpoolFull || h.SpoolPct >= d.lim.SpoolCritical), uint8(min(h.SpoolPct, 255)), 0, "")
	}
	if h.DiskKnown && h.DiskFree < d.lim.DiskWarn {
		own(OwnDisk, "disk", worse(h.DiskFree < d.lim.DiskCritical), 0, uint64(max(0, h.DiskFree)/1e6), "")
	}
	if h.ShardsDropped > d.before.ShardsDropped {
		d.happen(record.AlarmEvent{Rule: OwnHistory, Object: "raw", Count: uint32(h.ShardsDropped)})
	}
	if h.RegistryErr != "" || h.RegistryLag >= d.lim.RegistryLag {
		own(OwnRegistry, "registry", 0, 0, h.RegistryLag, clip(h.RegistryErr))
	}
	if h.SnapshotAge >= d.lim.SnapshotAge {
		own(OwnSnapshot, "snapshot", 0, 0, uint64(h.SnapshotAge/time.Second), "")
	}
	if h.BrokerAway {
		own(OwnBroker, "broker", 0, 0, 0, clip(h.BrokerErr))
	}
	if j := h.ClockJump; j >= d.lim.ClockJump || j <= -d.lim.ClockJump {
		d.happen(record.AlarmEvent{Rule: OwnClock, Object: "clock", Text: j.Round(time.Millisecond).String()})
	}
	d.happened = slices.DeleteFunc(d.happened, func(o happening) bool { return o.until < d.now })
	for _, o := range d.happened {
		d.wrong(o.event)
	}
	for i, x := range h.Differences {
		if i == maxDifferences {
			break
		}
		own(OwnAccount, x.Of, 0, 0, 0, clip(x.Text))
	}
}

const maxDifferences = 100

// clip keeps what others say of an error short.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
