package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	movers     = 6  // who send
	movesEach  = 30 // sessions of each, on either edge in turn
	saidInEach = 3  // messages, with the last of which the session ends
)

// TestReceiptsFollowWhoMoves: receipts come while the session of who is to hear them ends, has ended or has not begun, on one
// of two edges. None is lost: what its session does not hear waits for the next.
func TestReceiptsFollowWhoMoves(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	answers := answering(t, c.edges[0])
	var moving sync.WaitGroup
	for i := range movers {
		moving.Go(func() {
			m := mover{t: t, name: fmt.Sprintf("mover%d", i), to: answers, heard: map[string]bool{}}
			for k := range movesEach {
				m.visit(c.edges[(i+k)%2], k)
			}
			m.stay(c.edges[i%2])
		})
	}
	moving.Wait()
}

// answering has a session say received of every message. It returns its address.
func answering(t *testing.T, at *edge) (node string) {
	t.Helper()
	a := &answerer{messages: make(chan Envelope, movers*movesEach*saidInEach)}
	a.client = newGoClient(t, a)
	answer, err := a.client.Login(at.url, Login{Identity: "answers@" + domain, Instance: "1"})
	if err != nil || answer.State != "established" {
		t.Fatalf("who answers logs in: %s, %v", answer, err)
	}
	if err := a.client.Send(Envelope{Method: "set", URI: "/presence", Type: "application/vnd.lime.presence+json", Resource: map[string]any{"status": "available"}}); err != nil {
		t.Fatal(err)
	}
	go a.answer()
	return answer.To
}

type answerer struct {
	client   *goClient
	messages chan Envelope
}

func (a *answerer) take(e Envelope) {
	if e.Content != nil {
		a.messages <- e // which has room for all
	}
}

func (a *answerer) closed() { close(a.messages) }

func (a *answerer) answer() {
	for e := range a.messages {
		if a.client.Send(Envelope{ID: e.ID, To: e.From, Event: "received"}) != nil {
			return // the test has ended
		}
	}
}

// mover has one session after the other.
type mover struct {
	t    *testing.T
	name string
	to   string
	said []string // the ids of what it has sent

	mu    sync.Mutex
	heard map[string]bool // of which it was told that they were received
}

func (m *mover) take(e Envelope) {
	if e.Event == "received" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.heard[e.ID] = true
	}
}

func (m *mover) closed() {}

// login is a session that takes what is for its node.
func (m *mover) login(at *edge) *goClient {
	one := newGoClient(m.t, m)
	answer, err := one.Login(at.url, Login{Identity: m.name + "@" + domain, Instance: "1"})
	if err != nil || answer.State != "established" {
		m.t.Errorf("%s logs in: %s, %v", m.name, answer, err)
	}
	return one
}

// visit is a session that ends while what becomes of its messages is on its way.
func (m *mover) visit(at *edge, k int) {
	one := m.login(at)
	for n := range saidInEach {
		id := fmt.Sprintf("%d-%d", k, n)
		if err := one.Send(Envelope{ID: id, To: m.to, Type: "text/plain", Content: "x"}); err != nil {
			m.t.Errorf("%s sends %s: %v", m.name, id, err)
		}
		m.said = append(m.said, id)
	}
	if last, err := one.Finish(); err != nil || last.State != "finished" {
		m.t.Errorf("%s finishes: %s, %v", m.name, last, err)
	}
}

// stay is a session that stays until all receipts have come.
func (m *mover) stay(at *edge) {
	m.login(at)
	var missing []string
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		m.mu.Lock()
		missing = slices.DeleteFunc(slices.Clone(m.said), func(id string) bool { return m.heard[id] })
		m.mu.Unlock()
		if len(missing) == 0 {
			return
		}
	}
	m.t.Errorf("%s has heard of no receipt for %d of %d: %s", m.name, len(missing), len(m.said), strings.Join(missing, " "))
}
