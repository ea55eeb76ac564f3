package routing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"limegrove/routing/subject"
)

// answers are what several asked at once get, by who has asked.
func (w *world) answers(l *Logins, who ...string) map[string]string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	got := map[string]string{}
	for _, one := range who {
		all.Go(func() {
			a, err := l.Guest(ctx, one)
			mu.Lock()
			defer mu.Unlock()
			if got[one] = string(a); err != nil {
				got[one] = err.Error()
			}
		})
	}
	all.Wait()
	return got
}

func TestGuestsAreAskedAboutTogether(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	most := 0
	entered, release := make(chan struct{}, 1), make(chan struct{})
	r := w.worker(WorkerConfig{Guests: func(_ context.Context, questions []byte) []byte {
		lines := strings.Split(string(questions), "\n")
		if lines[0] == "slow" {
			entered <- struct{}{}
			<-release
		}
		mu.Lock()
		defer mu.Unlock()
		most = max(most, len(lines))
		for i := range lines {
			lines[i] = "welcome, " + lines[i]
		}
		return []byte(strings.Join(lines, "\n"))
	}})
	l := NewLogins(w.connect(), patience)
	defer l.Close()
	slow := make(chan string, 1)
	go func() { slow <- w.answers(l, "slow")["slow"] }()
	w.wait("one is asked about", entered)
	var names []string
	for i := range 2 * lotMost {
		names = append(names, fmt.Sprint("guest", i))
	}
	for name, answer := range w.answers(l, names...) {
		if answer != "welcome, "+name {
			t.Errorf("%s gets %q", name, answer)
		}
	}
	close(release)
	if a := <-slow; a != "welcome, slow" {
		t.Errorf("the first one gets %q", a)
	}
	if n := gather(t, r.counted, "limegrove_router_taken_total", kindGuests); most < 2 || n > float64(len(names)) {
		t.Errorf("%v questions, of %d guests at most", n, most)
	}
}

func TestOneLineIsForAllGuests(t *testing.T) {
	w := newWorld(t)
	l := NewLogins(w.connect(), patience)
	defer l.Close()
	entered, release := make(chan struct{}, 1), make(chan struct{})
	w.worker(WorkerConfig{Guests: func(_ context.Context, questions []byte) []byte {
		if string(questions) == "slow" {
			entered <- struct{}{}
			<-release
			return []byte("a\nb")
		}
		return []byte("busy")
	}})
	slow := make(chan string, 1)
	go func() { slow <- w.answers(l, "slow")["slow"] }()
	w.wait("one is asked about", entered)
	for name, answer := range w.answers(l, "ana", "rui", "lia") {
		if answer != "busy" {
			t.Errorf("%s gets %q", name, answer)
		}
	}
	close(release)
	if a := <-slow; a != "a router answers 2 of 1 logins" {
		t.Errorf("what is too much is taken as %q", a)
	}
}

func TestGuestsAreAskedAboutAloneWhereTheBrokerForbidsMore(t *testing.T) {
	bus := startBroker(t)
	bus.Stop()
	bus.opts.Users = []*server.User{{Username: "edge", Password: "x", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{subject.Guests}},
	}}}
	bus.opts.NoAuthUser = "edge"
	bus.Start()
	l := NewLogins(bus.connect("a"), time.Hour)
	defer l.Close()
	for range 2 {
		if _, err := l.Guest(t.Context(), "ana"); !errors.Is(err, ErrAlone) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestGuestsAreAskedAboutAloneWhereNobodyTakesSeveral(t *testing.T) {
	w := newWorld(t)
	w.worker(WorkerConfig{Login: func(context.Context, []byte) []byte { return []byte("welcome") }})
	l := NewLogins(w.connect(), patience)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 2 {
		if _, err := l.Guest(ctx, "ana"); !errors.Is(err, ErrAlone) {
			t.Errorf("got %v", err)
		}
	}
	if a, err := l.Ask(ctx, "guest", []byte("{}")); err != nil || string(a) != "welcome" {
		t.Errorf("alone she gets %q, %v", a, err)
	}
}
