package api

import (
	"encoding/binary"

	"github.com/gorilla/websocket"
)

// A frame is the raw bytes of one unmasked, final websocket frame (RFC 6455,
// 5.2), made once and written to every viewer that is owed it.
type frame []byte

// headRoom is the longest header of a frame that a server sends.
const headRoom = 10

// newFrame returns space for a frame whose payload follows headRoom bytes.
func newFrame(size int) []byte { return make([]byte, headRoom, headRoom+size) }

// finish puts the header before the payload b[headRoom:] and returns the frame.
func finish(b []byte, opcode int) frame {
	n := len(b) - headRoom
	switch {
	case n < 126:
		b = b[headRoom-2:]
		b[1] = byte(n)
	case n < 1<<16:
		b = b[headRoom-4:]
		b[1] = 126
		binary.BigEndian.PutUint16(b[2:], uint16(n))
	default:
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(n))
	}
	b[0] = 0x80 | byte(opcode)
	return b
}

// controlFrame returns a ping, pong or close frame.
func controlFrame(opcode int, payload []byte) frame {
	return finish(append(newFrame(len(payload)), payload...), opcode)
}

// isPong reports whether f, from its first byte on, is a pong.
func isPong(f frame) bool { return len(f) > 0 && f[0] == 0x80|websocket.PongMessage }

// closeFrame returns a close frame with a code of RFC 6455 or of the contract.
func closeFrame(code int, reason string) frame {
	return controlFrame(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason))
}

// Close codes: one of the IANA registry, one of the contract's own.
const (
	closeRestart      = 1012 // service restart: come again
	closeTokenUnknown = 4401 // the token is not known, or no longer
)
