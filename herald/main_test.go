package herald

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"limegrove/lime"
	"limegrove/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a cluster without edges: who is where, who knows whom, and what was told.
type world struct {
	t testing.TB

	mu         sync.Mutex
	views      map[string]presence.View
	told       map[string]string
	contacts   map[string][]lime.Contact
	subscribed map[string][]lime.Identity // by target
	permitted  map[string]bool            // "owner by"
	withdrawn  []string                   // likewise
	seen       map[string]time.Time
	slow       map[string]time.Duration // that it takes to read somebody's contacts
	reads      map[string]int           // of them
	observes   []observe

	// before is called before each call, by its name, and may take time or fail; nil for
	// nothing.
	before func(call string) error
}

// observe is what was told.
type observe struct {
	to, of   string
	presence lime.Presence
}

func (o observe) String() string {
	s := o.to + ": " + o.of + " " + string(o.presence.Status)
	if o.presence.Message != "" {
		s += " " + o.presence.Message
	}
	if o.presence.LastSeen != "" {
		s += " since " + o.presence.LastSeen
	}
	return s
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, views: map[string]presence.View{}, told: map[string]string{}, contacts: map[string][]lime.Contact{},
		subscribed: map[string][]lime.Identity{}, permitted: map[string]bool{}, seen: map[string]time.Time{},
		reads: map[string]int{},
	}
}

// start starts a herald and returns it, and what ends it.
func (w *world) start(cfg Config) (h *Herald, stop func()) {
	cfg.Registry, cfg.Roster, cfg.Diary, cfg.Publisher = w, w, w, w
	cfg.Permits, cfg.Withdrawn = w.permits, w.withdraw
	h = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		h.Run(ctx)
		close(ended)
	}()
	return h, sync.OnceFunc(func() {
		cancel()
		<-ended
	})
}

// dialogue runs a test with one herald inside a bubble.
func dialogue(t *testing.T, cfg Config, test func(w *world, h *Herald)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h, stop := w.start(cfg)
		defer stop()
		test(w, h)
	})
}

func (w *world) call(name string) error {
	if w.before != nil {
		return w.before(name)
	}
	return nil
}

func (w *world) Registered(_ context.Context, ids []lime.Identity) ([]presence.View, error) {
	err := w.call("registered")
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []presence.View
	for _, i := range ids {
		all = append(all, w.views[i.Fold().String()])
	}
	return all, err
}

func (w *world) Telling(_ context.Context, i lime.Identity, mark string) (string, error) {
	err := w.call("telling")
	w.mu.Lock()
	defer w.mu.Unlock()
	k := i.Fold().String()
	before := w.told[k]
	w.told[k] = presence.Uncertain + mark // an error may hide that it was done
	return before, err
}

func (w *world) Told(_ context.Context, i lime.Identity, mark, told string) error {
	err := w.call("told")
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := i.Fold().String(); w.told[k] == presence.Uncertain+mark {
		w.told[k] = told
	} else {
		w.told[k] = presence.Uncertain
	}
	return err
}

func (w *world) ToldOne(_ context.Context, ids []lime.Identity, told []string) error {
	err := w.call("told one")
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, i := range ids {
		if t := w.told[i.Fold().String()]; t != "" && t != told[n] {
			w.told[i.Fold().String()] = presence.Uncertain
		}
	}
	return err
}

func (w *world) Known(_ context.Context, owner lime.Identity) (sharing, others []lime.Identity, _ error) {
	err := w.call("contacts")
	time.Sleep(w.slow[owner.Fold().String()])
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads[owner.Fold().String()]++
	for _, c := range w.contacts[owner.Fold().String()] {
		if c.SharesPresence() {
			sharing = append(sharing, c.Identity)
		} else {
			others = append(others, c.Identity)
		}
	}
	return sharing, others, err
}

func (w *world) SharesPresence(ctx context.Context, owner, with lime.Identity) (bool, error) {
	got, err := w.Sharing(ctx, with, []lime.Identity{owner})
	return len(got) > 0, err
}

func (w *world) Sharing(_ context.Context, with lime.Identity, owners []lime.Identity) (all []lime.Identity, _ error) {
	err := w.call("sharing")
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range owners {
		for _, c := range w.contacts[o.Fold().String()] {
			if c.Identity.EqualFold(with) && c.SharesPresence() {
				all = append(all, o)
			}
		}
	}
	return all, err
}

func (w *world) Subscribers(_ context.Context, target lime.Identity) ([]lime.Identity, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.subscribed[target.Fold().String()], nil
}

func (w *world) Subscriptions(_ context.Context, subscriber lime.Identity) (all []lime.Identity, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for target, subscribers := range w.subscribed {
		if slices.ContainsFunc(subscribers, subscriber.EqualFold) {
			all = append(all, lime.MustParseIdentity(target))
		}
	}
	return all, nil
}

func (w *world) permits(_ context.Context, owner, by lime.Identity) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.permitted[owner.Fold().String()+" "+by.Fold().String()], nil
}

func (w *world) withdraw(_ context.Context, owner, from lime.Identity) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.withdrawn = append(w.withdrawn, owner.String()+" "+from.String())
	return nil
}

func (w *world) SetSeen(_ context.Context, i lime.Identity, when time.Time) error {
	err := w.call("set seen")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[i.Fold().String()] = when
	return err
}

func (w *world) Seen(_ context.Context, i lime.Identity) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[i.Fold().String()], nil
}

func (w *world) Observe(to lime.Node, envelope []byte) error {
	if err := w.call("observe"); err != nil {
		return err
	}
	c, err := lime.DecodeCommand(envelope)
	var p lime.Presence
	if err == nil {
		err = json.Unmarshal(c.Resource, &p)
	}
	if err != nil || c.ID != "" || c.Method != lime.MethodObserve || c.URI != "/presence" || c.Type != lime.MediaPresence || c.To != to {
		w.t.Errorf("told %s: %v", envelope, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.observes = append(w.observes, observe{to.String(), c.From.String(), p})
	return nil
}

func (w *world) Flush(context.Context) error { return w.call("flush") }

// is makes somebody's only session, at the instance home, what a status and a message
// say; "" ends it.
func (w *world) is(identity string, status lime.Status, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := lime.MustParseIdentity(identity)
	v := presence.View{Version: w.views[i.Fold().String()].Version + 1}
	if status != "" {
		v.Registrations = []presence.Registration{{
			Node:     lime.Node{Identity: i, Instance: "home"},
			Presence: lime.Presence{Status: status, Message: message},
		}}
	}
	w.views[i.Fold().String()] = v
}

// knows gives an owner contacts: a name with "-" before it shares nothing.
func (w *world) knows(owner string, contacts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []lime.Contact
	for _, c := range contacts {
		properties := map[string]json.RawMessage{}
		if c[0] == '-' {
			c, properties["sharePresence"] = c[1:], json.RawMessage("false")
		}
		all = append(all, lime.Contact{Identity: lime.MustParseIdentity(c), Properties: properties})
	}
	w.contacts[lime.MustParseIdentity(owner).Fold().String()] = all
}

// want fails the test unless just this was told since it was last asked, in any order.
func (w *world) want(why string, want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, o := range w.observes {
		got = append(got, o.String())
	}
	w.observes = nil
	slices.Sort(got)
	slices.Sort(want)
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		w.t.Errorf("%s:\n%q, want\n%q", why, got, want)
	}
}

// settle waits until nothing is left to do.
func settle(heralds ...*Herald) {
	for {
		synctest.Wait()
		left := 0.0
		for _, h := range heralds {
			left += h.waiting()
		}
		if left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// of is an event of somebody.
func of(identity string) Event { return Event{Identity: lime.MustParseIdentity(identity)} }

var errOurs = errors.New("not now")
