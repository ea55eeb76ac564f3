package edge

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// rejection is why a connection got an HTTP error instead of an upgrade, or over TCP
// failed instead of a session; it is the label of limegrove_edge_rejections_total.
type rejection string

const (
	rejectDraining    rejection = "draining"     // the edge stops
	rejectOverloaded  rejection = "overloaded"   // its loops lag
	rejectFull        rejection = "full"         // it has as many connections as it may
	rejectRate        rejection = "rate"         // too many come in a second
	rejectUnanswered  rejection = "unanswered"   // and so many that they are not even told so
	rejectAddress     rejection = "address"      // the client's address has
	rejectAddressRate rejection = "address_rate" // too many come in a second of the client's address
	rejectLeft        rejection = "left"         // the client, which had to wait for its turn
	rejectMalformed   rejection = "malformed"    // the request is no good one
	rejectTooLong     rejection = "too_long"     // its head is
	rejectNoUpgrade   rejection = "no_upgrade"   // it is none for a WebSocket
	rejectTLS         rejection = "tls"          // it begins as TLS does, where that is not spoken
	rejectClear       rejection = "clear"        // it does not, where that is
	rejectTimeout     rejection = "timeout"      // it was not complete in time
	rejectDialect     rejection = "dialect"      // the dialect of its path refuses it
	rejectPages       rejection = "pages"        // it is for a page, and too many of those wait for who reads slowly
)

var rejections = []rejection{
	rejectDraining, rejectOverloaded, rejectFull, rejectRate, rejectUnanswered, rejectAddress, rejectAddressRate, rejectLeft,
	rejectMalformed, rejectTooLong, rejectNoUpgrade, rejectTLS, rejectClear, rejectTimeout, rejectDialect, rejectPages,
}

// answer is the status and the text of an HTTP error.
func (r rejection) answer() (status, text string) {
	switch r {
	case rejectDraining:
		return "503 Service Unavailable", "the edge is stopping"
	case rejectOverloaded, rejectFull, rejectRate, rejectPages:
		return "503 Service Unavailable", "the edge is overloaded"
	case rejectAddressRate:
		return "503 Service Unavailable", "too many connections from this address in a short time"
	case rejectAddress:
		return "429 Too Many Requests", "too many connections from this address"
	case rejectTooLong:
		return "431 Request Header Fields Too Large", "the request's head is too long"
	case rejectNoUpgrade:
		return "426 Upgrade Required", "this is a WebSocket for LIME"
	case rejectTLS:
		return "400 Bad Request", "this port speaks no TLS: ws:// in the place of wss://, or http:// of https://"
	case rejectClear:
		return "400 Bad Request", "this port speaks TLS: wss:// in the place of ws://, or https:// of http://"
	case rejectTimeout:
		return "408 Request Timeout", "the upgrade request was not complete in time"
	default:
		return "400 Bad Request", "the request is malformed"
	}
}

// maxRetryAfter is the longest time, in seconds, after which clients are told to come
// again. Each is told another one, so that they do not come together.
const maxRetryAfter = 10

// response is what a client is told.
func (r rejection) response() []byte {
	status, text := r.answer()
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n")
	switch status[:3] {
	case "426":
		b.WriteString("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
	case "429", "503":
		b.WriteString("Retry-After: " + strconv.Itoa(1+rand.N(maxRetryAfter)) + "\r\n")
	}
	b.WriteString("\r\n" + text + "\n")
	return []byte(b.String())
}

// reject answers with an error, and ends the connection.
func (c *conn) reject(why rejection) { c.rejectWith(why, c.over.refusal(c.edge.rules.Load(), why)) }

// rejectWith is reject with an answer of somebody else.
func (c *conn) rejectWith(why rejection, answer []byte) {
	c.edge.metrics.rejected(why)
	// The queue is empty, so there is room.
	_ = c.turn().Batch.Append(&c.socket, answer, nil)
	c.hangUp()
}
