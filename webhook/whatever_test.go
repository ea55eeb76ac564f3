package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/presence"
	"limegrove/routing/events"
)

// mortal is what one router sees of the world until it is dead.
type mortal struct {
	*store
	*leases
	*platform
	dead atomic.Bool
}

var errDead = errors.New("this router is dead")

func (m *mortal) Hold(ctx context.Context, name string, holder presence.EdgeID, ttl time.Duration) (bool, error) {
	if m.dead.Load() {
		return false, errDead
	}
	return m.leases.Hold(ctx, name, holder, ttl)
}

func (m *mortal) Release(ctx context.Context, name string, holder presence.EdgeID) error {
	if m.dead.Load() {
		return errDead
	}
	return m.leases.Release(ctx, name, holder)
}

func (m *mortal) Keep(ctx context.Context, p int, endpoint string, place events.Place) (events.Place, error) {
	if m.dead.Load() {
		return place, errDead
	}
	return m.store.Keep(ctx, p, endpoint, place)
}

func (m *mortal) Bury(ctx context.Context, endpoint, reason string, all []events.Stored) error {
	if m.dead.Load() {
		return errDead
	}
	return m.store.Bury(ctx, endpoint, reason, all)
}

func (m *mortal) PurgeEvents(ctx context.Context, p int, upTo uint64) error {
	if m.dead.Load() {
		return errDead
	}
	return m.store.PurgeEvents(ctx, p, upTo)
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	response, err := m.platform.RoundTrip(r)
	if m.dead.Load() { // meanwhile
		return nil, errDead
	}
	return response, err
}

// TestWhateverDiesAndFailsEachIdentityIsToldInOrder: routers die in the middle of requests, and
// endpoints fail, take what they do not answer, and find fault with some events.
func TestWhateverDiesAndFailsEachIdentityIsToldInOrder(t *testing.T) {
	const people, each = 12, 60
	for seed := range uint64(6) {
		random, theirs := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
		playing(t, 4, []Endpoint{{Name: "push", Batch: 9}, {Name: "crm", Batch: 5, Requests: 2}}, func(w *world) {
			w.stop()
			bad := func(id string) bool { return strings.HasSuffix(id, "7") }
			healed := false
			for _, at := range []string{"push", "crm"} {
				w.platform.do(at, func(ids []string) (int, http.Header, error) {
					w.platform.mu.Lock()
					dice, healed := theirs.IntN(10), healed
					w.platform.mu.Unlock()
					time.Sleep(time.Duration(dice) * 100 * time.Millisecond) // virtual
					switch {
					case !healed && dice == 0:
						return 0, nil, errHangs
					case !healed && dice == 1:
						return 500, nil, nil
					case slices.ContainsFunc(ids, bad):
						return 422, nil, nil
					case !healed && dice == 2: // it has it, and nobody hears
						w.platform.mu.Lock()
						w.platform.got[at] = append(w.platform.got[at], ids...)
						w.platform.mu.Unlock()
						return 0, nil, errors.New("cut")
					}
					return 200, nil, nil
				})
			}
			var now *mortal
			var stops []func()
			born := func() {
				m := &mortal{store: w.store, leases: w.leases, platform: w.platform}
				w.cfg.Events, w.cfg.Places, w.cfg.DeadLetters, w.cfg.Leases, w.cfg.Transport = m, m, m, m, m
				w.begin(fmt.Sprint("router", len(stops)))
				now, stops = m, append(stops, w.stop)
			}
			born()
			for n := range each {
				for who := range people {
					w.add(who, n)
				}
				pass(time.Duration(random.IntN(3000)) * time.Millisecond)
				if random.IntN(6) == 0 {
					now.dead.Store(true)
					born()
				}
			}
			w.platform.mu.Lock()
			healed = true
			w.platform.mu.Unlock()
			pass(10 * time.Minute)
			for _, stop := range stops {
				stop()
			}
			w.stop = func() {}
			for _, at := range []string{"push", "crm"} {
				dead := w.dead(at)
				for who := range people {
					next := 0
					for _, n := range strings.Fields(w.platform.of(at, who)) {
						for bad(fmt.Sprint(next)) {
							if !strings.Contains(dead, fmt.Sprintf("u%d-%d=", who, next)) {
								t.Errorf("seed %d: %s did not take %d of u%d, which is no dead letter", seed, at, next, who)
							}
							next++
						}
						switch got := 0; {
						case n == fmt.Sprint(next):
							next++
						default:
							if _, err := fmt.Sscan(n, &got); err != nil || got > next {
								t.Fatalf("seed %d: %s has %s of u%d before %d", seed, at, n, who, next)
							}
						}
					}
					if next < each-each%10 { // and some that are refused
						t.Errorf("seed %d: %s has %d of u%d", seed, at, next, who)
					}
				}
			}
			if len(stops) < 3 {
				t.Errorf("seed %d: %d routers", seed, len(stops))
			}
			if n := w.left(); n != 0 {
				t.Errorf("seed %d: the stream has %d", seed, n)
			}
		})
	}
}
