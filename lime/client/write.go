package client

import (
	"crypto/rand"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

const (
	farewellTime = time.Second // for what is still to be written at the end
	oneWrite     = 64 << 10    // about how many bytes of publications a write has
)

// write writes what is to be sent until the end, and looks after the server's silence.
func (s *session) write() {
	defer s.bye()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var buf []byte
	for {
		buf = s.out.take(buf)
		var due time.Time
		if s.open.Load() {
			s.client.tendStore()
			buf, due = s.fill(buf)
		}
		if len(buf) > 0 {
			if err := s.flush(buf); err != nil {
				s.end(err, 0)
				return
			}
			continue
		}
		next, err := s.tend()
		if err != nil {
			s.end(err, 0)
			return
		}
		if !due.IsZero() {
			next = min(next, max(time.Until(due), 0))
		}
		timer.Reset(next)
		select {
		case <-s.done:
			return
		case <-s.out.wake:
		case <-timer.C:
		}
	}
}

// fill appends what may go of publications and of messages that wait by their priority, in
// turns, so that neither has all of the rate. It returns when there is more.
func (s *session) fill(buf []byte) (_ []byte, due time.Time) {
	s.turn = !s.turn
	publications := func() (next time.Time) {
		buf, next = s.client.publications.appendDue(buf, s)
		return next
	}
	queued := func() (next time.Time) {
		buf, next = s.out.appendQueued(buf)
		return next
	}
	if s.turn {
		publications, queued = queued, publications
	}
	return buf, sooner(publications(), queued())
}

// sooner is the earlier of two times that are not zero.
func sooner(a, b time.Time) time.Time {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

// flush writes. It ends soon when the session does.
func (s *session) flush(b []byte) error {
	if limit := s.client.cfg.IdleTimeout; limit > 0 {
		if err := s.wire.heard.SetWriteDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
	}
	select {
	case <-s.done: // it may have set another deadline before
		return s.why()
	default:
	}
	_, err := s.wire.conn.Write(b)
	return err
}

// forEver is longer than any session.
const forEver = 24 * time.Hour

// tend pings a server that is silent, or gives it up. It returns when to look again.
// While the client itself does not read, the server's silence says nothing; but who does not
// hand out because an answer is waited for, which is not read either, would wait for ever.
func (s *session) tend() (time.Duration, error) {
	interval, idle := s.client.cfg.PingInterval, s.client.cfg.IdleTimeout
	silence := s.wire.heard.silence()
	held := s.heldFor()
	if held > 0 {
		silence = 0
	}
	if idle > 0 && held >= idle && s.owed() {
		return 0, ErrFull
	}
	if idle > 0 && silence >= idle {
		return 0, ErrSilent
	}
	next := forEver
	if interval > 0 {
		next = interval
		last := s.wire.heard.last.Load()
		switch {
		case silence < interval:
			next = interval - silence
		case s.pinged != last:
			s.pinged = last
			if err := s.ping(); err != nil {
				return 0, err
			}
		}
	}
	if idle > 0 {
		next = min(next, idle-silence)
		if held > 0 && held < idle {
			next = min(next, idle-held)
		}
	}
	return next, nil
}

// pingPrefix tells this package's pings, whose answers nobody waits for.
const pingPrefix = "limegrove-ping-"

func (s *session) ping() error {
	if s.wire.frames != nil {
		return s.out.control(ws.OpPing, nil)
	}
	return s.out.answer(&lime.Command{ID: pingPrefix + rand.Text(), Method: lime.MethodGet, URI: "/ping"})
}

// bye writes what is left, as far as that is possible soon, and closes the connection.
func (s *session) bye() {
	<-s.done
	s.mu.Lock()
	code := s.farewell
	s.mu.Unlock()
	defer s.wire.conn.Close()
	if code == 0 {
		return
	}
	rest := s.out.take(nil)
	if s.wire.frames != nil {
		rest = appendFrame(rest, ws.OpClose, ws.NewCloseFrameBody(code, ""))
	}
	if len(rest) == 0 {
		return
	}
	if err := s.wire.heard.SetWriteDeadline(time.Now().Add(farewellTime)); err == nil {
		_, _ = s.wire.conn.Write(rest) // it ends anyway
	}
}
