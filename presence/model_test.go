package presence_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"limegrove/internal/redistest"
	"limegrove/lime"
	"limegrove/presence"
)

// model is what the store ought to hold.
type model struct {
	held    map[string]presence.Registration // by folded node
	alive   map[presence.EdgeID]bool
	version map[lime.Identity]int64 // the last one seen
	left    map[string]bool         // guests, by folded node; their grace outlives the test
}

// removed notes that r was, by whatever.
func (m *model) removed(r presence.Registration) {
	node := r.Node.Fold().String()
	delete(m.held, node)
	if r.Guest {
		m.left[node] = true
	}
}

// whereabouts checks who is known. Lately seen alive may count as alive.
func (m *model) whereabouts(t *rapid.T, id lime.Identity, got presence.Whereabouts) {
	anybody := false
	for _, instance := range []string{"1", "2", "b"} {
		n := lime.Node{Identity: id, Instance: instance}.Fold().String()
		r, held := m.held[n]
		must := m.left[n] || held && (m.alive[r.Edge] || r.Guest)
		if may := must || held; must && !got.Known(instance) || !may && got.Known(instance) {
			t.Fatalf("%s known: %v, left as a guest: %v, held: %v by %v", n, got.Known(instance), m.left[n], held, r)
		}
		anybody = anybody || got.Known(instance)
	}
	if anybody != got.Known("") {
		t.Fatalf("%s known: %v, want %v", id, got.Known(""), anybody)
	}
}

func (m *model) view(id lime.Identity) (sessions []string) {
	for _, n := range slices.Sorted(maps.Keys(m.held)) {
		r := m.held[n]
		if r.Node.Identity.EqualFold(id) && m.alive[r.Edge] {
			sessions = append(sessions, fmt.Sprint(r.Node, r.Edge, r.Session, r.Presence.Priority))
		}
	}
	return sessions
}

func sessionsOf(v presence.View) (sessions []string) {
	for _, r := range v.Registrations {
		sessions = append(sessions, fmt.Sprint(r.Node, r.Edge, r.Session, r.Presence.Priority))
	}
	return sessions
}

// rises notes a version, which is greater than all before.
func (m *model) rises(t *rapid.T, id lime.Identity, v int64) {
	id = id.Fold()
	if v <= m.version[id] {
		t.Fatalf("%s has version %d after %d", id, v, m.version[id])
	}
	m.version[id] = v
}

func TestStoreDoesWhatAMapWouldDo(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t) // the embedded Redis is slow at scripts
	client := server.Client()
	s, err := presence.Open(presence.Config{ // in which nothing runs out by itself
		URL: server.URL(), Timeout: 30 * time.Second, LeaseTTL: time.Hour, GuestGrace: time.Hour,
	})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	ctx := t.Context()
	edges := []presence.EdgeID{"e1", "e2", "e3"}

	rapid.Check(t, func(t *rapid.T) {
		if err := client.FlushAll(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		m := &model{
			held: map[string]presence.Registration{}, alive: map[presence.EdgeID]bool{}, version: map[lime.Identity]int64{},
			left: map[string]bool{},
		}
		draw := func(t *rapid.T) presence.Registration {
			r := presence.Registration{
				Node: lime.MustParseNode(rapid.SampledFrom([]string{
					"ana@x/1", "Ana@x/1", "ana@x/2", "rui@x/1", "RUI@X/b",
				}).Draw(t, "node")),
				Edge:    rapid.SampledFrom(edges).Draw(t, "edge"),
				Session: rapid.SampledFrom([]string{"s1", "s2", "s22"}).Draw(t, "session"),
			}
			r.Guest = rapid.Bool().Draw(t, "guest")
			r.Presence.Priority = rapid.IntRange(0, 3).Draw(t, "priority")
			return r
		}
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				r := draw(t)
				keep := rapid.Bool().Draw(t, "keep")
				old, taken := m.held[r.Node.Fold().String()]
				other := taken && (old.Session != r.Session || old.Edge != r.Edge)
				v, replaced, err := s.Register(ctx, r, keep)
				if other && keep && m.alive[old.Edge] {
					if !errors.Is(err, presence.ErrTaken) {
						t.Fatalf("register %v over %v: %v, want ErrTaken", r, old, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if other != (replaced != nil) || other && fmt.Sprint(*replaced) != fmt.Sprint(old) {
					t.Fatalf("replaced %v, want %v: %v", replaced, old, other)
				}
				if v.Again != (taken && !other) {
					t.Fatalf("%v held the node already: %v, before it was %v", r, v.Again, old)
				}
				m.held[r.Node.Fold().String()] = r
				m.rises(t, r.Node.Identity, v.Version)
				was := m.alive[r.Edge] // the own edge counts as alive
				m.alive[r.Edge] = true
				// Lately seen alive may count as alive: only what must be there.
				got := sessionsOf(v)
				for _, want := range m.view(r.Node.Identity) {
					if !slices.Contains(got, want) {
						t.Fatalf("registering gives %v, without %v", got, want)
					}
				}
				m.alive[r.Edge] = was
			},
			"update": func(t *rapid.T) {
				r := draw(t)
				old, ok := m.held[r.Node.Fold().String()]
				ok = ok && old.Session == r.Session && old.Edge == r.Edge
				v, err := s.Update(ctx, r)
				if ok != (err == nil) || !ok && !errors.Is(err, presence.ErrGone) {
					t.Fatalf("update %v of %v: %v", r, old, err)
				}
				if ok {
					m.held[r.Node.Fold().String()] = r
					m.rises(t, r.Node.Identity, v)
				}
			},
			"unregister": func(t *rapid.T) {
				r := draw(t)
				old, ok := m.held[r.Node.Fold().String()]
				ok = ok && old.Session == r.Session
				v, err := s.Unregister(ctx, r.Node, r.Session)
				if ok != (err == nil) || !ok && !errors.Is(err, presence.ErrGone) {
					t.Fatalf("unregister %v of %v: %v", r, old, err)
				}
				if ok {
					m.removed(old)
					m.rises(t, r.Node.Identity, v)
				}
			},
			"lease": func(t *rapid.T) {
				e := rapid.SampledFrom(edges).Draw(t, "edge")
				if err := s.PutLease(ctx, presence.Lease{Edge: e}); err != nil {
					t.Fatal(err)
				}
				m.alive[e] = true
			},
			"die": func(t *rapid.T) {
				e := rapid.SampledFrom(edges).Draw(t, "edge")
				if err := client.Del(ctx, "lg:edge:"+string(e)).Err(); err != nil {
					t.Fatal(err)
				}
				delete(m.alive, e)
			},
			"sweep": func(t *rapid.T) {
				spared := rapid.SampledFrom(edges).Draw(t, "spared")
				removed, err := s.Sweep(ctx, func(e presence.EdgeID) bool { return e != spared })
				if err != nil {
					t.Fatal(err)
				}
				n := len(m.held)
				for _, r := range m.held {
					if r.Edge != spared && !m.alive[r.Edge] {
						m.removed(r)
					}
				}
				if len(removed) != n-len(m.held) {
					t.Fatalf("swept %v, want %d", removed, n-len(m.held))
				}
				for _, r := range removed {
					id := r.Node.Identity.Fold()
					m.version[id] = max(m.version[id], r.Version)
				}
			},
			"": func(t *rapid.T) {
				for _, id := range []string{"ana@x", "rui@X"} {
					v, err := s.View(ctx, lime.MustParseIdentity(id))
					if err != nil {
						t.Fatal(err)
					}
					want := m.view(lime.MustParseIdentity(id))
					if got := sessionsOf(v); !slices.Equal(got, want) {
						t.Fatalf("view of %s: %v, want %v", id, got, want)
					}
					there, err := s.Whereabouts(ctx, lime.MustParseIdentity(id))
					if err != nil {
						t.Fatal(err)
					}
					m.whereabouts(t, lime.MustParseIdentity(id), there)
				}
			},
		})
	})
}
