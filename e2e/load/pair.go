package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// atOnce is how many logins are under way together: enough to keep the cluster busy,
// and less than make it refuse clients.
const atOnce = 64

// pair is a guest that sends and one that receives, on different edges when there are
// several. Of n pairs the i-th sends the messages i, i+n, i+2n, ….
type pair struct {
	sender, recipient *guest
	from, to          string // the recipient's node as the sender addresses it
	last              int    // the newest message that has come; owned by the recipient's goroutine
}

// Receipts is how recipients acknowledge.
type Receipts string

// What recipients do.
const (
	Pongs    Receipts = "pong"     // answer pings, as every WebSocket client does, and nothing else
	Received Receipts = "received" // send a notification for each message
)

// ParseReceipts reads what recipients do.
func ParseReceipts(text string) (Receipts, error) {
	switch r := Receipts(text); r {
	case Pongs, Received:
		return r, nil
	}
	return "", fmt.Errorf("recipients acknowledge by %s or %s, not by %q", Pongs, Received, text)
}

// pairs are clients in couples, with the goroutines that read for them.
type pairs struct {
	lines
	all      []*pair
	receipts Receipts
	text     string // the content of each message
}

func newPairs(n, size int, receipts Receipts, t *tally) *pairs {
	return &pairs{lines: lines{tally: t}, all: make([]*pair, n), receipts: receipts, text: strings.Repeat("x", size)}
}

// open logs n pairs in. Their names begin with a prefix. An error ends them.
func (c *servers) open(ctx context.Context, prefix string, n, size int, receipts Receipts, t *tally) (*pairs, error) {
	p := newPairs(n, size, receipts, t)
	next := atomic.Int64{}
	var mu sync.Mutex
	var failed error
	var opening sync.WaitGroup
	for range min(n, atOnce) {
		opening.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				one, err := c.openPair(ctx, prefix, i)
				mu.Lock()
				p.all[i], failed = one, errors.Join(failed, err)
				stop := failed != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	opening.Wait()
	if failed != nil {
		p.close()
		return nil, failed
	}
	for _, one := range p.all {
		p.reading.Go(func() { p.readSender(one) })
		p.reading.Go(func() { p.readRecipient(one) })
	}
	return p, nil
}

// openPair logs one pair in.
func (c *servers) openPair(ctx context.Context, prefix string, i int) (*pair, error) {
	from, to := fmt.Sprintf("%ss%d", prefix, i), fmt.Sprintf("%sr%d", prefix, i)
	one := &pair{last: -1, from: nodeOf(from), to: to + "@" + domain}
	var err error
	if one.recipient, err = login(ctx, c.Edge(i+1), to, 2*i+1); err != nil {
		return nil, err
	}
	if one.sender, err = login(ctx, c.Edge(i), from, 2*i); err != nil {
		one.recipient.conn.Close()
		return nil, err
	}
	return one, nil
}

// close ends the connections and waits for those that read from them.
func (p *pairs) close() {
	p.ended.Store(true)
	for _, one := range p.all {
		if one != nil {
			one.sender.conn.Close()
			one.recipient.conn.Close()
		}
	}
	p.reading.Wait()
}

func (p *pairs) readSender(one *pair) {
	p.serve(one.sender, one.from, func(text []byte, now time.Time, answer []byte) []byte {
		k, err := strconv.Atoi(string(stringOf(text, `"id":"`)))
		if err != nil {
			p.tally.fail("%s gets %s", one.from, text)
			return answer
		}
		switch string(stringOf(text, `"event":"`)) {
		case "accepted":
			p.tally.accepted.note(p.tally, k, now)
		case "dispatched":
			p.tally.dispatched.note(p.tally, k, now)
		case "received":
			p.tally.received.note(p.tally, k, now)
		default:
			p.tally.fail("%s gets %s", one.from, text)
		}
		return answer
	})
}

func (p *pairs) readRecipient(one *pair) {
	var receipt []byte
	p.serve(one.recipient, one.to, func(text []byte, now time.Time, answer []byte) []byte {
		id := stringOf(text, `"id":"`)
		k, err := strconv.Atoi(string(id))
		if err != nil || !bytes.Contains(text, []byte(`"content":`)) {
			p.tally.fail("%s gets %s", one.to, text)
			return answer
		}
		// Whatever comes twice is behind the newest, too, and counts as that alone.
		if k < one.last && k >= 0 && k < p.tally.len() && p.tally.delivered.count[k] == 0 {
			p.tally.disordered.Add(1)
		}
		one.last = max(one.last, k)
		p.tally.delivered.note(p.tally, k, now)
		if p.receipts == Received {
			receipt = fmt.Appendf(receipt[:0], `{"id":"%s","to":"%s","event":"received"}`, id, one.from)
			answer = appendFrame(answer, opText, receipt)
		}
		return answer
	})
}

// send sends message k.
func (p *pairs) send(k int, buffer []byte) []byte {
	one := p.all[k%len(p.all)]
	envelope := fmt.Appendf(buffer[:0], `{"id":"%d","to":"%s","type":"text/plain","content":"%s"}`, k, one.to, p.text)
	start := len(envelope)
	frame := appendFrame(envelope, opText, envelope)[start:]
	p.tally.sent.Add(1)
	if err := one.sender.write(frame); err != nil && !p.ended.Load() {
		p.tally.fail("%s sends: %v", one.from, err)
	}
	return envelope
}

// pace sends all messages of the tally.
func (p *pairs) pace(ctx context.Context) { p.lines.pace(ctx, len(p.all), p.send) }
