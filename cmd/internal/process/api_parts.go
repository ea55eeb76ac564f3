package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/api"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/resource"
	"limegrove/room"
	"limegrove/router"
	"limegrove/routing"
	"limegrove/routing/backend"
	"limegrove/routing/rooms"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// What fits the parts of a process to what the HTTP API asks of them.
var (
	_ api.Sender    = apiSender{}
	_ api.Asker     = apiSender{}
	_ api.Rooms     = apiRooms{}
	_ api.Sessions  = apiSessions{}
	_ api.Inboxes   = apiInboxes{}
	_ api.Resources = apiResources{}
)

// apiTimeout bounds what is asked of the broker, of Redis and of the router.
const apiTimeout = 5 * time.Second

// passes marks an error that passes, unless it is for who has asked.
func passes(err error) error {
	if err == nil || lime.AsReason(err) != nil {
		return err
	}
	return fmt.Errorf("%w: %w", api.ErrUnavailable, err)
}

type apiSender struct{ backend *backend.Backend }

// Node is that of api.Sender.
func (s apiSender) Node(domain string) (lime.Node, bool) { return s.backend.Node(domain) }

// Send is that of api.Sender.
func (s apiSender) Send(ctx context.Context, domain string, envelope []byte) error {
	return passes(s.backend.Send(ctx, domain, envelope))
}

// SendAndWait is that of api.Sender.
func (s apiSender) SendAndWait(ctx context.Context, domain string, envelope []byte, until lime.Event) ([]api.Told, error) {
	told, err := s.backend.SendAndWait(ctx, domain, envelope, until)
	all := make([]api.Told, len(told))
	for i := range told {
		all[i] = api.Told(told[i])
	}
	return all, sendError(err)
}

// Ask is that of api.Asker.
func (s apiSender) Ask(ctx context.Context, domain string, envelope []byte) (*lime.Command, error) {
	c, err := s.backend.Ask(ctx, domain, envelope)
	return c, sendError(err)
}

func sendError(err error) error {
	switch {
	case errors.Is(err, backend.ErrIDInUse):
		return fmt.Errorf("%w: %w", api.ErrIDInUse, err)
	case errors.Is(err, backend.ErrUnavailable), errors.Is(err, backend.ErrCrowded):
		return fmt.Errorf("%w: %w", api.ErrUnavailable, err)
	}
	return err
}

type apiRooms struct{ publisher *rooms.Publisher }

// Publish is that of api.Rooms.
func (r apiRooms) Publish(ctx context.Context, domain string, n room.Name, wild bool, key string, envelope []byte) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	p := rooms.Publication{Envelope: envelope, Key: key}
	return passes(RoomReason(PublishAndWait(ctx, r.publisher, rooms.Address{Domain: domain, Name: n}, wild, p)))
}

type apiSessions struct{ p *Process }

// Of is that of api.Sessions.
func (s apiSessions) Of(ctx context.Context, id lime.Identity) ([]api.Session, lime.Presence, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	v, err := s.p.Presence.View(ctx, id)
	if err != nil {
		return nil, lime.Presence{}, passes(err)
	}
	all := make([]api.Session, len(v.Registrations))
	for i, r := range v.Registrations {
		all[i] = api.Session{Instance: r.Node.Instance, ID: r.Session, Edge: string(r.Edge), Guest: r.Guest, Presence: r.Presence}
	}
	return all, v.Shown(), nil
}

// End is that of api.Sessions. An edge that is no more has no session.
func (s apiSessions) End(ctx context.Context, id lime.Identity, one api.Session, why *lime.Reason) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	r := presence.Registration{
		Node: lime.Node{Identity: id, Instance: one.Instance}, Edge: presence.EdgeID(one.Edge), Session: one.ID,
	}
	err := routing.EndSession(ctx, s.p.NATS, r, why)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil
	}
	return passes(err)
}

type apiInboxes struct{ streams *stream.Streams }

// inboxPageBytes bounds what is read of an inbox at once.
const inboxPageBytes = 1 << 20

func (i apiInboxes) read(ctx context.Context, id lime.Identity, from uint64, most int) (stream.Page, int, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	key, err := subject.MakeKey(id)
	if err != nil {
		return stream.Page{}, 0, lime.NewReason(lime.CodeValidationInvalidIdentity, "The identity is too long")
	}
	p := key.Partition(i.streams.Partitions())
	page, err := i.streams.ReadInbox(ctx, p, key.Inbox(p, "*"), from, most, inboxPageBytes)
	return page, p, passes(err)
}

// Read is that of api.Inboxes.
func (i apiInboxes) Read(ctx context.Context, id lime.Identity, from uint64, most int) ([]api.Waiting, bool, error) {
	page, _, err := i.read(ctx, id, from, most)
	if err != nil {
		return nil, false, err
	}
	all := make([]api.Waiting, len(page.Messages))
	for n, m := range page.Messages {
		all[n] = api.Waiting{Sequence: m.Sequence, Stored: m.Stored, Envelope: m.Data}
	}
	return all, page.More, nil
}

// Purge is that of api.Inboxes.
func (i apiInboxes) Purge(ctx context.Context, id lime.Identity, upTo uint64) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	n, err := i.streams.PurgeInbox(ctx, id, upTo)
	return n, passes(err)
}

// Remove is that of api.Inboxes. One of somebody else's is not there.
func (i apiInboxes) Remove(ctx context.Context, id lime.Identity, sequence uint64) error {
	page, p, err := i.read(ctx, id, sequence, 1)
	if err != nil {
		return err
	}
	if len(page.Messages) == 0 || page.Messages[0].Sequence != sequence {
		return api.ErrNotFound
	}
	return passes(i.streams.Delete(ctx, p, sequence))
}

type apiResources struct{ router *router.Router }

// Do is that of api.Resources.
func (r apiResources) Do(ctx context.Context, o api.Order) (api.Answer, bool) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	uri, err := lime.ParseURI(o.URI)
	if err != nil {
		return api.Answer{Reason: lime.AsReason(err)}, true
	}
	a, ok := r.router.Do(ctx, resource.Request{
		ID: "api", From: lime.Node{Identity: o.Identity}, Guest: o.Guest, Role: lime.RoleAuthority, Backend: true,
		Method: o.Method, URI: uri, Type: o.Type, Resource: o.Resource,
	})
	return api.Answer{Type: a.Type, Resource: a.Resource, Reason: a.Reason}, ok
}
