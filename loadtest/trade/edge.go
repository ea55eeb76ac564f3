package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/interest"
)

// options are what all processes of a run agree on.
type options struct {
	Mode        string
	Edges       int
	Sessions    int // of all edges together
	Connections int // of each edge
	Size        int // bytes of an envelope
	Stale       int // of a hundred
	URL         string
}

const (
	byIdentity = "identity"
	byEdge     = "edge"
)

// order is what a process is told to do: to publish at a rate, or as fast as it can.
type order struct {
	Rate    int // messages a second; 0 for as many as can be
	Seconds float64
}

// report is what it has done, ever.
type report struct {
	Sent, Received, Hops, Nobody, Dropped int64
}

// edge is one process.
type edge struct {
	options
	index int

	conns    []*nats.Conn
	messages []chan *nats.Msg
	lost     []func() int
	hubs     map[string]*atomic.Int64 // those that are here, by key; not changed while they are read
	where    map[string]uint16        // the memory of where everybody is; nil by identity

	sent, received, hops, nobody atomic.Int64
}

func key(i int) string { return "org.example.@.guest-" + strconv.Itoa(i) }

func (e *edge) inbox(of uint16) string { return "edge.run-" + strconv.Itoa(int(of)) + ".in" }

// connectionOf is the connection for a key, the same for all that is sent to it.
func (e *edge) connectionOf(key string) int {
	if len(e.conns) == 1 {
		return 0
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, key) // never fails
	return int(h.Sum32()) % len(e.conns)
}

// open subscribes to what is to be heard here.
func (e *edge) open() error {
	e.hubs = make(map[string]*atomic.Int64, e.Sessions/e.Edges+1)
	channels := make([]*interest.Channel, e.Connections)
	for i := range e.Connections {
		nc, err := nats.Connect(e.URL, interest.Option(), nats.Timeout(30*time.Second))
		if err != nil {
			return err
		}
		messages := make(chan *nats.Msg, 1<<14)
		e.conns, e.messages = append(e.conns, nc), append(e.messages, messages)
		if e.Mode == byIdentity {
			if channels[i], err = interest.Listen(nc, messages, "to.", ".*"); err != nil {
				return err
			}
			e.lost = append(e.lost, channels[i].Dropped)
			continue
		}
		subject := e.inbox(uint16(e.index))
		if i > 0 {
			subject += "." + strconv.Itoa(i)
		}
		sub, err := nc.ChanSubscribe(subject, messages)
		if err != nil {
			return err
		}
		e.lost = append(e.lost, func() int { n, _ := sub.Dropped(); return n })
	}
	if e.Mode == byEdge {
		e.where = make(map[string]uint16, e.Sessions)
	}
	for i := range e.Sessions {
		k := key(i)
		at := i % e.Edges
		if at == e.index {
			e.hubs[k] = new(atomic.Int64)
			if e.Mode == byIdentity {
				channels[e.connectionOf(k)].Add(k)
			}
		}
		if e.where != nil {
			if i/e.Edges%100 < e.Stale {
				at = (at + 1) % e.Edges
			}
			e.where[k] = uint16(at)
		}
	}
	for _, nc := range e.conns {
		if err := nc.FlushTimeout(time.Minute); err != nil {
			return err
		}
	}
	for i := range e.messages {
		go e.take(e.messages[i])
	}
	return nil
}

// send publishes an envelope for a key to where it is believed to be.
func (e *edge) send(scratch []byte, k string, envelope []byte) []byte {
	c := e.connectionOf(k)
	const reply = "edge.run-0.re.0.1234567"
	if e.Mode == byIdentity {
		_ = e.conns[c].PublishRequest("to."+k+".phone", reply, envelope) // what is not sent is not received
		return scratch
	}
	return e.forward(scratch, c, e.where[k], k, envelope)
}

func (e *edge) forward(scratch []byte, c int, at uint16, k string, envelope []byte) []byte {
	scratch = append(scratch[:0], k...)
	scratch = append(append(scratch, ".phone\n"...), envelope...)
	to := e.inbox(at)
	if c > 0 {
		to += "." + strconv.Itoa(c)
	}
	_ = e.conns[c].PublishRequest(to, "edge.run-0.re.0.1234567", scratch) // as above
	return scratch
}

// take counts what comes.
func (e *edge) take(messages <-chan *nats.Msg) {
	var scratch []byte
	for m := range messages {
		address, envelope := strings.TrimPrefix(m.Subject, "to."), m.Data
		if e.where != nil {
			for i, b := range m.Data {
				if b == '\n' {
					address, envelope = string(m.Data[:i]), m.Data[i+1:]
					break
				}
			}
		}
		k := address[:strings.LastIndexByte(address, '.')]
		hub := e.hubs[k]
		switch {
		case hub != nil:
			hub.Add(1)
			e.received.Add(1)
		case e.where == nil:
			e.nobody.Add(1)
		default: // in place of the registry, which would have to be asked
			n, _ := strconv.Atoi(k[strings.LastIndexByte(k, '-')+1:])
			e.hops.Add(1)
			scratch = e.forward(scratch, e.connectionOf(k), uint16(n%e.Edges), k, envelope)
		}
	}
}

// publish does what it is told.
func (e *edge) publish(o order) {
	envelope := make([]byte, e.Size)
	var scratch []byte
	end := time.Now().Add(time.Duration(o.Seconds * float64(time.Second)))
	for began, n := time.Now(), 0; time.Now().Before(end); {
		due := n + 64
		if o.Rate > 0 {
			due = int(time.Since(began).Seconds() * float64(o.Rate))
		}
		for ; n < due; n++ {
			scratch = e.send(scratch, key(rand.IntN(e.Sessions)), envelope)
			e.sent.Add(1)
		}
		if o.Rate > 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		for _, nc := range e.conns {
			_ = nc.FlushTimeout(10 * time.Second)
		}
	}
}

// runEdge does what it is told on in, one line each, and reports on out.
func runEdge(text string, index int, in io.Reader, out io.Writer) error {
	e := &edge{index: index}
	if err := json.Unmarshal([]byte(text), &e.options); err != nil {
		return err
	}
	if err := e.open(); err != nil {
		return err
	}
	runtime.GC()
	if _, err := fmt.Fprintln(out, "{}"); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		e.publish(o)
		r := report{Sent: e.sent.Load(), Received: e.received.Load(), Hops: e.hops.Load(), Nobody: e.nobody.Load()}
		for _, lost := range e.lost {
			r.Dropped += int64(lost())
		}
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	}
	return nil
}
