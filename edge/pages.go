package edge

import (
	"bufio"
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// Pages answers requests that come to the listener of WebSocket sessions, and are for no WebSocket.
type Pages interface {
	// Answer returns the answer to a request: its status, the whole head, which says that the connection ends, and the
	// body, which is not changed. It is called by loops: it does not block, and borrows r, of which there is no body.
	Answer(r *http.Request) (status int, head, body []byte)
}

// maxPagesQueued bounds the bytes of answers that wait for clients which are yet to take them, of all together. An
// answer has as long as a request to come through, so that this is what slow readers can cost.
const maxPagesQueued = 16 << 20

// maxPagesOfAddress is how many answers may be on their way to one address, so that one cannot have all of that.
const maxPagesOfAddress = 128

// pages are those of an edge, and what they have under way.
type pages struct {
	Pages  // nil for none
	queued atomic.Int64
	to     addresses
}

// answerPage answers a request that is none for a WebSocket, when there are pages and its path is no dialect's, and
// ends the connection behind that. It tells whether it has.
func (c *conn) answerPage(head []byte) bool {
	if c.edge.pages.Pages == nil || c.speaks() != nil {
		return false
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil || wantsWebSocket(r.Header) {
		return false
	}
	if r.Host == "" { // RFC 9112, section 3.2
		c.reject(rejectMalformed)
		return true
	}
	from := c.socket.RemoteAddr().Addr()
	if _, ok := c.edge.pages.to.add(from); !ok {
		c.reject(rejectPages)
		return true
	}
	status, head, body := c.edge.pages.Answer(r)
	size := int64(len(head) + len(body))
	if c.edge.pages.queued.Add(size) > maxPagesQueued {
		c.edge.pages.queued.Add(-size)
		c.edge.pages.to.remove(from)
		c.reject(rejectPages)
		return true
	}
	c.particular().page = size
	c.edge.metrics.pages.WithLabelValues(strconv.Itoa(status)).Inc()
	// The queue is empty, so there is room.
	_ = c.turn().Batch.Append(&c.socket, head, body)
	c.phase = closing
	c.socket.CloseAfterFlush(max(c.edge.cfg.Load().CloseTimeout, c.edge.cfg.Load().HandshakeTimeout))
	return true
}

// forgetPage is told that the connection is gone, and with it what was left of an answer.
func (c *conn) forgetPage() {
	if c.special != nil && c.special.page > 0 {
		c.edge.pages.queued.Add(-c.special.page)
		c.edge.pages.to.remove(c.socket.RemoteAddr().Addr())
	}
}

// wantsWebSocket tells whether a request would have become a WebSocket, were it a good one.
func wantsWebSocket(h http.Header) bool {
	for _, line := range h.Values("Upgrade") {
		for one := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(one), "websocket") {
				return true
			}
		}
	}
	return false
}
