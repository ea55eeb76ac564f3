package edge

import (
	"sync"
	"time"

	"limegrove/edge/auth"
	"limegrove/edge/poll"
)

// question is what a worker is to find out for a session that begins, with its answer on the way back to the loop: who
// it is, or its place. Every login has two of them, so they are used again, functions included.
type question struct {
	conn *conn

	request auth.Request
	began   time.Time
	grant   auth.Grant

	arrival Arrival
	member  Member

	err error // of either

	// Set when it is made and not changed.
	authenticate, attach    func(*worker)
	authenticated, attached func(*poll.Turn)
}

var questions sync.Pool

func newQuestion(c *conn) *question {
	q, ok := questions.Get().(*question)
	if !ok {
		q = new(question)
		q.authenticate, q.attach = q.doAuthenticate, q.doAttach
		q.authenticated, q.attached = q.wasAuthenticated, q.wasAttached
	}
	q.conn = c
	return q
}

// done gives it back. Nobody else knows of it then.
func (q *question) done() {
	*q = question{authenticate: q.authenticate, attach: q.attach, authenticated: q.authenticated, attached: q.attached}
	questions.Put(q)
}

// refuse says that too many wait. Not at once: the session is in the middle of a move.
func (q *question) refuse(answer func(*poll.Turn)) {
	if q.request.Scheme != "" {
		q.conn.edge.metrics.login(q.request.Scheme, q.began, errBusy)
	}
	q.err = errBusy
	if q.conn.socket.Post(answer) != nil {
		q.done()
	}
}

// doAuthenticate is a worker's part. A storm's work is mostly for those who gave up.
func (q *question) doAuthenticate(w *worker) {
	c := q.conn
	if c.told.has(flagEnded) {
		q.done()
		return
	}
	if most := c.edge.cfg.Load().LoginPatience; most > 0 && time.Since(q.began) > most {
		q.err = errBusy
	} else {
		q.grant, q.err = c.edge.cfg.Load().Authenticator.Authenticate(w.ctx, q.request)
	}
	c.edge.metrics.login(q.request.Scheme, q.began, q.err)
	q.err = w.ours(q.err)
	if c.socket.Post(q.authenticated) != nil { // a connection that has ended needs no answer
		q.done()
	}
}

// wasAuthenticated is the loop's.
func (q *question) wasAuthenticated(*poll.Turn) {
	c, grant, err := q.conn, q.grant, q.err
	q.done()
	c.session.authenticated(grant, err)
}

// doAttach is a worker's part.
func (q *question) doAttach(w *worker) {
	c := q.conn
	if c.told.has(flagEnded) {
		q.done()
		return
	}
	q.member, q.err = c.edge.cfg.Load().Router.Attach(w.ctx, q.arrival, c)
	q.err = w.ours(q.err)
	if c.socket.Post(q.attached) != nil {
		if q.member != nil {
			q.member.Leave()
		}
		q.done()
	}
}

// wasAttached is the loop's.
func (q *question) wasAttached(*poll.Turn) {
	c, m, err := q.conn, q.member, q.err
	q.done()
	c.attached(m, err)
}
