package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"

	"limegrove/cluster"
	"limegrove/internal/config"
	"limegrove/internal/status"
	"limegrove/internal/version"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
	"limegrove/web"
)

// AskedOnPage is why a command ends that somebody has asked to on the status page.
type AskedOnPage struct{}

// Error names the page.
func (AskedOnPage) Error() string { return "asked to on the status page" }

// PageParts are what the status page works with besides what every process has.
type PageParts struct {
	// Drain has the process drain and end.
	Drain func()
	// Rebalance and Sessions are an edge's; nil for a router.
	Rebalance func() (surplus int, err error)
	Sessions  func(ctx context.Context, n int) (busiest, slowest []status.Session)
	// Bounds are those of queues, by the names of their settings; nil for a router.
	Bounds func() map[string]float64
}

// StatusPage is the status page of this process.
type StatusPage struct {
	*status.Page
	search search
}

// OpenPage makes the status page. It finds nobody before SetStreams.
func (p *Process) OpenPage(cfg config.Shared, parts PageParts) (*StatusPage, error) {
	files, err := web.Status()
	if err != nil {
		return nil, err
	}
	s := &StatusPage{search: search{p: p, domain: cfg.Domains[0]}}
	s.Page = status.New(status.Config{
		Reporter: status.NewReporter(status.ReporterConfig{
			Incarnation: p.Cluster.Incarnation(), Version: version.String(), Gatherer: p.Metrics, Cores: runtime.GOMAXPROCS(0),
			State: func() status.State {
				return status.State{NATS: strings.ToLower(p.NATS.Status().String()), Draining: p.Cluster.Self().Draining, Log: p.Level.State()}
			},
			Sessions: parts.Sessions, Bounds: parts.Bounds,
		}),
		NATS: p.NATS,
		Subjects: status.Subjects{
			Ask: subject.Status, Order: func(incarnation string) string { return subject.Order(presence.EdgeID(incarnation)) },
		},
		Members: func() []status.Member { return statusMembers(p.Cluster.Members()) },
		Drain:   parts.Drain, Rebalance: parts.Rebalance, LogLevel: p.Level.Say, Search: s.search.find, Survey: s.search.survey,
		Ignore: ignores{p}.set, Ignored: ignores{p}.list,
		Files: files, Token: cfg.AdminToken, Log: p.Log, Metrics: p.Metrics,
	})
	return s, nil
}

// SetStreams lets what waits be counted, from now on.
func (s *StatusPage) SetStreams(streams *stream.Streams) { s.search.streams.Store(streams) }

func statusMembers(all []cluster.Member) []status.Member {
	members := make([]status.Member, len(all))
	for i, m := range all {
		members[i] = status.Member{
			Incarnation: m.Incarnation, ID: m.ID, Role: status.Role(m.Role), Zone: m.Zone, Addr: m.Addr,
			Sessions: m.Sessions, Draining: m.Draining, Started: m.Started,
		}
	}
	return members
}

// search finds identities.
type search struct {
	p       *Process
	domain  string // of a bare name
	streams atomic.Pointer[stream.Streams]
}

// find is that of status.Config.
func (s *search) find(ctx context.Context, text string) (status.Found, error) {
	refused := func(why string) (status.Found, error) {
		return status.Found{}, status.Refusal{Status: http.StatusBadRequest, Text: why}
	}
	if !strings.Contains(text, "@") {
		text += "@" + s.domain
	}
	n, err := lime.ParseNode(text)
	if err != nil || n.Name == "" || n.Domain == "" {
		return refused("this is no identity, as name@domain")
	}
	id := n.Identity
	key, err := subject.MakeKey(id)
	if err != nil {
		return refused("the identity is too long")
	}
	view, err := s.p.Presence.View(ctx, id)
	if err != nil {
		return status.Found{}, fmt.Errorf("ask Redis where it is: %w", err)
	}
	shown := view.Shown()
	found := status.Found{
		Identity: id.String(), Status: string(shown.Status), Message: shown.Message, Partial: view.Partial, Instances: []status.Instance{},
	}
	for _, r := range view.Registrations {
		found.Instances = append(found.Instances, status.Instance{
			Instance: r.Node.Instance, Session: r.Session, Edge: string(r.Edge), Guest: r.Guest, Status: string(r.Presence.Status),
			Message: r.Presence.Message, RoutingRule: string(r.Presence.RoutingRule), Priority: r.Presence.Priority,
		})
	}
	if found.Waiting, err = s.waiting(ctx, id, key); err != nil {
		found.Waiting = status.Waiting{Error: err.Error()}
	}
	return found, nil
}

// errNotYet is why nothing is counted at the start.
var errNotYet = errors.New("JetStream has not answered yet")

// survey is that of status.Config.
func (s *search) survey(ctx context.Context, top int) (v status.Survey, err error) {
	v.Streams, v.Waiting = []status.Kept{}, []status.Backlog{}
	streams := s.streams.Load()
	if streams == nil {
		return v, errNotYet
	}
	is, err := streams.Survey(ctx, top)
	for _, one := range is.Streams {
		kept := status.Kept{Name: one.Name, Messages: one.Messages, Bytes: one.Bytes, MaxBytes: one.MaxBytes, Addresses: one.Addresses, Oldest: one.Oldest}
		for _, r := range one.Readers {
			kept.Readers = append(kept.Readers, status.Reader(r))
		}
		v.Streams = append(v.Streams, kept)
	}
	for _, one := range is.Waiting {
		v.Waiting = append(v.Waiting, status.Backlog{Identity: one.Identity.String(), Messages: one.Messages})
	}
	v.Uncounted = is.Uncounted
	return v, err
}

// waiting counts what waits for an identity.
func (s *search) waiting(ctx context.Context, id lime.Identity, key subject.Key) (w status.Waiting, err error) {
	streams := s.streams.Load()
	if streams == nil {
		return w, errNotYet
	}
	p := key.Partition(streams.Partitions())
	if w.Inbox, err = streams.Waiting(ctx, p, key.Inbox(p, "*")); err != nil {
		return w, err
	}
	floors, err := s.p.Presence.Floors(ctx, []lime.Identity{id, subject.Swept(p)})
	if err != nil {
		return w, err
	}
	w.Log, err = unacknowledged(ctx, streams, p, key, floors[0], floors[1])
	return w, err
}

// unacknowledged counts what the log has for an identity behind the sweep, of which nobody has acknowledged anything: what
// is acknowledged is below the floor of its address.
func unacknowledged(ctx context.Context, streams *stream.Streams, p int, key subject.Key, floors, swept []presence.Floor) (n int, err error) {
	log, from := streams.LogName(p), uint64(1)
	for _, f := range swept {
		if f.Log == log {
			from = f.Position
		}
	}
	if n, err = streams.Logged(ctx, p, key.Log(p, "*"), from); err != nil {
		return 0, err
	}
	for _, f := range floors {
		if n == 0 || f.Log != log || f.Position < from {
			continue
		}
		token := subject.Identity
		if f.Instance != "" {
			token = subject.Token(f.Instance)
		}
		all, err := streams.Logged(ctx, p, key.Log(p, token), from)
		if err != nil {
			return 0, err
		}
		above, err := streams.Logged(ctx, p, key.Log(p, token), f.Position+1)
		if err != nil {
			return 0, err
		}
		n -= max(0, all-above)
	}
	return max(0, n), nil
}
