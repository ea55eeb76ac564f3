package process

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/api"
	"limegrove/cluster"
	"limegrove/connector"
	"limegrove/lime"
	"limegrove/routing"
	"limegrove/routing/subject"
)

// ConnectedHere is what an edge tells of the connectors that are connected to it.
type ConnectedHere struct {
	Edge       string          `json:"edge"`
	Connectors []api.Connector `json:"connectors"`
	More       bool            `json:"more,omitempty"` // there are more than it tells
}

// roomAround is for what is around the connectors in the message that tells of them, in bytes.
const roomAround = 4096

// appendConnected appends what an edge tells: as many connectors as fit so many bytes. It makes no more than that.
func appendConnected(dst []byte, edge string, connected iter.Seq[api.Connector], most int) ([]byte, error) {
	name, err := json.Marshal(edge)
	if err != nil {
		return dst, err
	}
	dst = append(append(append(dst, `{"edge":`...), name...), `,"connectors":[`...)
	more, n := false, 0
	for one := range connected {
		text, err := json.Marshal(one)
		if err != nil {
			return dst, err
		}
		if more = len(dst)+1+len(text)+roomAround > most; more {
			break
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, text...)
	}
	return append(dst, fmt.Sprintf(`],"more":%t}`, more)...), nil
}

// AnswerConnected tells whoever asks which connectors are connected here, until ctx is done. Every edge does, also one that serves none:
// whoever asks waits for all.
func (p *Process) AnswerConnected(ctx context.Context, connected iter.Seq[api.Connector]) error {
	asked := make(chan *nats.Msg, 16) // the client library counts what does not fit
	s, err := p.NATS.ChanSubscribe(subject.Connectors, asked)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", subject.Connectors, err)
	}
	defer func() { _ = s.Unsubscribe() }() // the connection may be closed
	for {
		select {
		case <-ctx.Done():
			return nil
		case msg := <-asked:
			text, err := appendConnected(nil, p.Cluster.Self().ID, connected, int(p.NATS.MaxPayload()))
			if err == nil {
				err = msg.Respond(text)
			}
			if err != nil {
				p.Log.WithError(err).Warn("could not tell which connectors are connected")
			}
		}
	}
}

// apiConnectors is what the HTTP API does about connectors. Their registry is opened when it is first asked for: few clusters have one.
type apiConnectors struct {
	p        *Process
	replicas int

	mu       sync.Mutex
	registry *connector.Registry // nil until then
}

var _ api.Connectors = (*apiConnectors)(nil)

func (a *apiConnectors) open(ctx context.Context) (*connector.Registry, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.registry != nil {
		return a.registry, nil
	}
	js, err := jetstream.New(a.p.NATS)
	if err != nil {
		return nil, err
	}
	r, err := connector.Open(ctx, connector.Config{JetStream: js, Replicas: a.replicas, Tokens: -1, Logger: a.p.Log})
	if err != nil {
		return nil, err
	}
	a.registry = r
	return r, nil
}

// with does something with the registry.
func (a *apiConnectors) with(ctx context.Context, do func(context.Context, *connector.Registry) error) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	r, err := a.open(ctx)
	if err == nil {
		err = do(ctx, r)
	}
	return passes(err)
}

// answersFor is how long edges have to tell which connectors are connected to them.
const answersFor = time.Second

// Connected is that of api.Connectors.
func (a *apiConnectors) Connected(ctx context.Context) (all []api.Connector, whole bool, err error) {
	missing := 0
	for _, m := range a.p.Cluster.Members() {
		if m.Role == cluster.RoleEdge {
			missing++
		}
	}
	answers := make(chan *nats.Msg, 2*missing+16)
	inbox := a.p.NATS.NewRespInbox()
	s, err := a.p.NATS.ChanSubscribe(inbox, answers)
	if err != nil {
		return nil, false, passes(err)
	}
	defer func() { _ = s.Unsubscribe() }() // the connection may be closed
	if err := a.p.NATS.PublishRequest(subject.Connectors, inbox, nil); err != nil {
		return nil, false, passes(err)
	}
	ctx, cancel := context.WithTimeout(ctx, answersFor)
	defer cancel()
	whole = true
	for missing > 0 {
		select {
		case <-ctx.Done():
			missing, whole = 0, false
		case msg := <-answers:
			var here ConnectedHere
			if len(msg.Data) == 0 { // nobody serves connectors
				missing = 0
				break
			}
			if err := json.Unmarshal(msg.Data, &here); err != nil {
				return nil, false, fmt.Errorf("read which connectors are connected: %w", err)
			}
			all, whole = append(all, here.Connectors...), whole && !here.More
			missing--
		}
	}
	slices.SortFunc(all, func(a, b api.Connector) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Edge, b.Edge)) })
	return all, whole, nil
}

// Lists is that of api.Connectors.
func (a *apiConnectors) Lists(ctx context.Context) (lists json.RawMessage, err error) {
	err = a.with(ctx, func(ctx context.Context, r *connector.Registry) error {
		l, err := r.Latest(ctx)
		if err == nil {
			lists, err = json.Marshal(l)
		}
		return err
	})
	return lists, err
}

// SetLists is that of api.Connectors.
func (a *apiConnectors) SetLists(ctx context.Context, lists json.RawMessage) error {
	var l connector.Lists
	d := json.NewDecoder(bytes.NewReader(lists))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return lime.NewReason(lime.CodeCommandInvalidArgument, "The lists cannot be read: %.200s", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return lime.NewReason(lime.CodeCommandInvalidArgument, "There is something behind the lists")
	}
	return a.with(ctx, func(ctx context.Context, r *connector.Registry) error { return r.SetLists(ctx, l) })
}

// TokenMade is that of api.Connectors.
func (a *apiConnectors) TokenMade(ctx context.Context, id lime.Identity) (made time.Time, err error) {
	err = a.with(ctx, func(ctx context.Context, r *connector.Registry) error {
		made, err = r.Made(ctx, id)
		return err
	})
	return made, err
}

// ImportToken is that of api.Connectors.
func (a *apiConnectors) ImportToken(ctx context.Context, id lime.Identity, hash string) error {
	return a.with(ctx, func(ctx context.Context, r *connector.Registry) error { return r.Import(ctx, id, hash) })
}

// RemoveToken is that of api.Connectors.
func (a *apiConnectors) RemoveToken(ctx context.Context, id lime.Identity) error {
	return a.with(ctx, func(ctx context.Context, r *connector.Registry) error {
		credential, err := r.Remove(ctx, id)
		if err != nil {
			return err
		}
		return routing.TellAccount(a.p.NATS, routing.AccountEvent{Identity: id, Revoked: credential})
	})
}
