package status

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const (
	// maxWatchers bounds those who watch at one time, of which keptWatchers places are for those with the token.
	maxWatchers, keptWatchers = 16, 4
	// writeTime is how long a watcher has to take a snapshot.
	writeTime = 10 * time.Second
	// beatTime is after what silence a watcher is told that the server is there.
	beatTime = 15 * time.Second
)

// watcher is somebody who watches.
type watcher struct {
	named bool          // has the token
	news  chan struct{} // has room for one; given to when there is another snapshot
}

// frames are the newest events, as they leave.
type frames struct {
	number        uint64
	named, masked []byte // the snapshot, with whole addresses and without
	past          []byte // the history
}

// watched tells whether anybody watches, and forgets what was if nobody does.
func (p *Page) watched() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.watchers) > 0 {
		return true
	}
	p.newest.Store(nil)
	return false
}

// watch adds somebody, unless there are too many.
func (p *Page) watch(named bool) (*watcher, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.watchers) >= maxWatchers || !named && p.unnamedLocked() >= maxWatchers-keptWatchers {
		return nil, false
	}
	w := &watcher{named: named, news: make(chan struct{}, 1)}
	p.watchers[w] = struct{}{}
	if p.newest.Load() != nil {
		w.news <- struct{}{}
	}
	select {
	case p.wanted <- struct{}{}:
	default:
	}
	return w, true
}

// unnamedLocked is how many watch without the token.
func (p *Page) unnamedLocked() (n int) {
	for w := range p.watchers {
		if !w.named {
			n++
		}
	}
	return n
}

func (p *Page) unwatch(w *watcher) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.watchers, w)
}

// publish gives watchers a snapshot, and those who come the history before it.
func (p *Page) publish(s Snapshot, past []Sample) {
	f := &frames{}
	if before := p.newest.Load(); before != nil {
		f.number = before.number
	}
	f.number++
	s.Token, s.Named = p.guard.has(), true
	f.named = event("snapshot", s)
	s.Named, s.Busiest, s.Slowest = false, masked(s.Busiest), masked(s.Slowest)
	f.masked = event("snapshot", s)
	f.past = event("history", past)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newest.Store(f)
	for w := range p.watchers {
		select {
		case w.news <- struct{}{}:
		default:
		}
	}
}

// event is a server-sent event.
func event(name string, of any) []byte {
	data, err := json.Marshal(of)
	if err != nil { // a number that is none, of a metric
		return []byte(": " + name + " cannot be told\n\n")
	}
	return bytes.Join([][]byte{[]byte("event: " + name + "\ndata: "), data, []byte("\n\n")}, nil)
}

// masked are sessions of which not everything is shown.
func masked(all []Session) []Session {
	less := make([]Session, len(all))
	for i, s := range all {
		s.Node, s.Remote = mask(s.Node), ""
		less[i] = s
	}
	return less
}

// mask leaves of an address its first letter and the domain.
func mask(node string) string {
	name, rest, _ := strings.Cut(node, "@")
	domain, _, _ := strings.Cut(rest, "/")
	for _, first := range name {
		return string(first) + "…@" + domain
	}
	return "…@" + domain
}

// events serves one who watches. With the token, whole addresses are shown, until another one is in force.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	number := p.guard.number()
	named := r.Header.Get("Authorization") != ""
	if named {
		if refusal := p.guard.check(r); refusal != nil {
			fail(w, refusal)
			return
		}
	}
	one, ok := p.watch(named)
	if !ok {
		p.metrics.refused(refusedWatchers)
		w.Header().Set("Retry-After", "10")
		fail(w, Refusal{http.StatusServiceUnavailable, "as many watch already as may"})
		return
	}
	defer p.unwatch(one)
	to := http.NewResponseController(w)
	// The server's time for reading a request would end this one. What cannot be set is not there, as in tests.
	_ = to.SetReadDeadline(time.Time{})
	secure(w.Header())
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	beat := time.NewTicker(beatTime)
	defer beat.Stop()
	send := func(b []byte) bool {
		_ = to.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := w.Write(b)
		return err == nil && to.Flush() == nil
	}
	for shown := uint64(0); send(p.next(named, &shown)); {
		select {
		case <-r.Context().Done():
			return
		case <-one.news:
		case <-beat.C:
		}
		if named && p.guard.number() != number {
			return
		}
	}
}

// next is what one gets who has been shown the snapshot of that number, and notes another; a comment when there is nothing
// else.
func (p *Page) next(named bool, shown *uint64) []byte {
	f := p.newest.Load()
	if f == nil || f.number == *shown {
		return []byte(":\n\n")
	}
	first := *shown == 0
	*shown = f.number
	b := f.masked
	if named {
		b = f.named
	}
	if first {
		return append(bytes.Clone(f.past), b...)
	}
	return b
}

// secure sets what every answer has that is no file.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Accel-Buffering", "no") // proxies keep nothing back
}
