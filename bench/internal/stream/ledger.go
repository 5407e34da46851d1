package stream

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"time"
)

// Entry is one message of reports in the ledger. Times are Unix microseconds.
type Entry struct {
	Party   int   // index in Spec.Parties
	Due     int64 // when the schedule wanted it; of late parties when it was made
	Sent    int64 // before it was written to the socket
	Acked   int64 // when its PUBACK was read; 0 for never
	Reports int   // 0 for master data

	masters int
}

const entrySize = 4 + 3*8

func now() int64 { return time.Now().UnixMicro() }

// writeLedger writes the messages of reports of all connections.
func writeLedger(file string, lines []*line) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<16)
	var b []byte
	for _, l := range lines {
		for i := range l.entries {
			e := &l.entries[i]
			if e.Reports == 0 {
				continue
			}
			b = binary.LittleEndian.AppendUint16(b[:0], uint16(e.Party))
			b = binary.LittleEndian.AppendUint16(b, uint16(e.Reports))
			b = binary.LittleEndian.AppendUint64(b, uint64(e.Due))
			b = binary.LittleEndian.AppendUint64(b, uint64(e.Sent))
			b = binary.LittleEndian.AppendUint64(b, uint64(e.Acked))
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// ReadLedger returns all messages that a publisher sent, connection by connection.
func ReadLedger(file string) ([]Entry, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(b)%entrySize != 0 {
		return nil, fmt.Errorf("%s is no ledger: it ends in mid-entry", file)
	}
	out := make([]Entry, 0, len(b)/entrySize)
	for ; len(b) > 0; b = b[entrySize:] {
		out = append(out, Entry{
			Party:   int(binary.LittleEndian.Uint16(b)),
			Reports: int(binary.LittleEndian.Uint16(b[2:])),
			Due:     int64(binary.LittleEndian.Uint64(b[4:])),
			Sent:    int64(binary.LittleEndian.Uint64(b[12:])),
			Acked:   int64(binary.LittleEndian.Uint64(b[20:])),
		})
	}
	return out, nil
}
