package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"sync"

	"limegrove/lime"
)

// Request sends a message, which it borrows, and returns the message that answers it:
// lime.KeyRequestID in its metadata has who answers name it. The request is published, so that
// it is stored, and sent again until it is; both it and its answer outlive lost sessions. A
// message without an id gets one that nobody else has.
//
// The answer is whatever message the recipient answers it with, see Mux.HandleRequest and
// Reply; of several, from several sessions of the recipient, or from the members of the group or
// the room that is asked, the first. It comes ahead of what waits for the handler or for
// iterators, and is acknowledged as Config.Receipts says. One that comes when nobody waits for it any
// more is an ordinary message.
//
// The error is the *lime.Reason when the server or the recipient says that the request has failed,
// ctx's when that is done first, and otherwise what Publish would return. A recipient that does
// not answer says nothing, so give ctx a deadline. While Config.Requests wait, Request waits for room.
func (c *Client) Request(ctx context.Context, m *lime.Message) (*lime.Message, error) {
	sent := *m
	if sent.ID == "" {
		sent.ID = c.newID()
	}
	r := &request{id: sent.ID, correlation: rand.Text(), to: m.To, end: make(chan outcome, 1)}
	sent.Metadata = with(m.Metadata, lime.KeyRequestID, r.correlation)
	answer, err := c.ask(ctx, r, &sent)
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", r.id, err)
	}
	c.acknowledge(ctx, answer)
	return answer.envelope.(*lime.Message), nil
}

// with returns metadata that has one more.
func with(m lime.Metadata, key, value string) lime.Metadata {
	more := maps.Clone(m)
	if more == nil {
		more = lime.Metadata{}
	}
	more[key] = value
	return more
}

// ask sends a request and waits for what comes of it.
func (c *Client) ask(ctx context.Context, r *request, sent *lime.Message) (answer item, err error) {
	if err := c.requests.open(ctx, r); err != nil {
		return item{}, err
	}
	defer c.requests.shut(r)
	p, err := c.publish(ctx, sent, false, nil) // the next process would have no use for the answer
	if err != nil {
		return item{}, err
	}
	for stored := p.Done(); ; {
		select {
		case o := <-r.end:
			return o.answer, o.err
		case <-stored:
			if stored, err = nil, p.err; err == nil {
				continue // and now for the answer
			}
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		c.requests.shut(r)
		select {
		case o := <-r.end: // it came before
			return o.answer, o.err
		default:
			return item{}, err
		}
	}
}

// requests are the messages that wait for a message as an answer. They are bounded; who asks
// more waits.
type requests struct {
	room chan struct{} // holds one for each
	over chan struct{} // closed when there will be no more answers

	mu            sync.Mutex
	byCorrelation map[string]*request
	byID          map[string]*request
	cause         error // of over
}

// request is one of them.
type request struct {
	id, correlation string
	to              lime.Node
	end             chan outcome // has room for the one that there is
}

type outcome struct {
	answer item
	err    error
}

func newRequests(limit int) *requests {
	return &requests{
		room: make(chan struct{}, limit), over: make(chan struct{}),
		byCorrelation: map[string]*request{}, byID: map[string]*request{},
	}
}

// open waits for room.
func (q *requests) open(ctx context.Context, r *request) error {
	select {
	case q.room <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-q.over:
		return q.cause
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.cause != nil:
		<-q.room
		return q.cause
	case q.byID[r.id] != nil:
		<-q.room
		return ErrID
	}
	q.byCorrelation[r.correlation], q.byID[r.id] = r, r
	return nil
}

// shut forgets a request. It may be called twice; nothing is put into its end any more.
func (q *requests) shut(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shutLocked(r)
}

func (q *requests) shutLocked(r *request) {
	if q.byID[r.id] != r {
		return
	}
	delete(q.byID, r.id)
	delete(q.byCorrelation, r.correlation)
	<-q.room
}

func (q *requests) endLocked(r *request, o outcome) {
	q.shutLocked(r)
	r.end <- o // which has room
}

// waiting tells whether there are any.
func (q *requests) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.byID) > 0
}

// answered gives a message to who waits for it, and tells whether somebody does. It comes to
// the node own.
func (q *requests) answered(correlation string, m *lime.Message, own lime.Node, take func() item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.byCorrelation[correlation]
	if r == nil || !r.asks(m.From, own) {
		return false
	}
	q.endLocked(r, outcome{answer: take()})
	return true
}

// asks tells whether a request is for who answers. Of a group or a room anybody may be, and only
// who has the request knows its correlation.
func (r *request) asks(who, own lime.Node) bool {
	if r.to.IsZero() {
		return isServer(who)
	}
	to := r.to.WithDefaults(own.Domain)
	_, group := lime.OfGroups(to.Domain)
	_, room := lime.OfRooms(to.Domain)
	return group || room || who.Identity.EqualFold(to.Identity)
}

// failed takes what was said of a request, and tells whether it is the end of one. What somebody
// says who is neither the server nor the recipient is none.
func (q *requests) failed(n *lime.Notification, own lime.Node) bool {
	if n.Event != lime.EventFailed {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.byID[n.ID]
	if r == nil || !isServer(n.From) && !n.From.Identity.EqualFold(r.to.WithDefaults(own.Domain).Identity) {
		return false
	}
	q.endLocked(r, outcome{err: failure(n)})
	return true
}

// failure is the reason of a failed notification.
func failure(n *lime.Notification) *lime.Reason {
	if n.Reason == nil {
		return lime.NewReason(lime.CodeGeneralError, "No reason was given")
	}
	return n.Reason
}

// close ends all of them.
func (q *requests) close(why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.cause != nil {
		return
	}
	q.cause = why
	close(q.over)
	for _, r := range q.byID {
		q.endLocked(r, outcome{err: why})
	}
}
