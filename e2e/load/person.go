package load

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"
)

// person is somebody with an account, who remembers what it is told of others.
type person struct {
	crowd  *crowd
	number int

	mu    sync.Mutex
	guest *guest         // nil while there is no session
	edge  int            // where it is
	is    string         // what it has set; "" while it is not there
	known map[int]string // of others, by number
	ended bool           // by itself
}

func personName(i int) string { return "person" + strconv.Itoa(i) }

func (p *person) name() string { return personName(p.number) }

// contactsOf are the numbers of the i-th person's contacts: those next to it in a ring, so
// that each is the other's.
func contactsOf(i, people, contacts int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for k := 1; k <= contacts; k++ {
			step := (k + 1) / 2
			if k%2 == 0 {
				step = -step
			}
			if !yield(((i+step)%people + people) % people) {
				return
			}
		}
	}
}

// come logs in and sets a presence, several if it flaps.
func (p *person) come(ctx context.Context) error {
	if err := p.login(ctx); err != nil {
		return err
	}
	if p.crowd.cfg.Flapping > 0 && p.number%p.crowd.cfg.Flapping == 0 {
		for i := range 20 {
			if err := p.set([]string{"away", "busy"}[i%2]); err != nil {
				return nil //nolint:nilerr // its reader sees the end as well
			}
			wait(ctx, 30*time.Millisecond)
		}
	}
	return nil
}

// login begins a session, on the edge whose turn it is or, if that is dead, on the first.
func (p *person) login(ctx context.Context) error {
	for {
		edge := p.number % len(p.crowd.cluster.Edges)
		dead := p.crowd.killed.Load()
		if dead {
			edge = 0
		}
		err := p.loginAt(ctx, edge)
		if err == nil || dead || !p.crowd.killed.Load() {
			return err
		}
	}
}

func (p *person) loginAt(ctx context.Context, edge int) error {
	s, err := dial(ctx, p.crowd.cluster.Edge(edge), p.number)
	if err != nil {
		return err
	}
	g := &guest{socket: s}
	if err := g.establishAs(p.name()); err != nil {
		s.conn.Close()
		return err
	}
	p.mu.Lock()
	p.guest, p.edge, p.known = g, edge, map[int]string{}
	p.mu.Unlock()
	p.crowd.reading.Go(func() { p.read(ctx, g) })
	_ = p.set("available") // its reader sees the end as well, and acts on it alone
	return nil
}

// establishAs logs somebody with an account in.
func (g *guest) establishAs(name string) error {
	answer, err := g.ask([]byte(`{"state":"new"}`), `"state":"authenticating"`)
	if err != nil {
		return err
	}
	g.session = bytes.Clone(stringOf(answer, `"id":"`))
	_, err = g.ask(fmt.Appendf(nil, `{"id":"%s","from":"%s","state":"authenticating","scheme":"plain","authentication":{"password":"%s"}}`,
		g.session, nodeOf(name), base64.StdEncoding.EncodeToString([]byte(peoplePassword))), `"state":"established"`)
	if err != nil {
		return err
	}
	return g.conn.SetDeadline(time.Time{})
}

// set sets the presence.
func (p *person) set(status string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guest == nil {
		return fmt.Errorf("%s is not there", p.name())
	}
	p.is = status
	return p.guest.write(appendFrame(nil, opText, fmt.Appendf(nil,
		`{"id":"p","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"status":"%s"}}`, status)))
}

// read takes what comes until the session ends. When its edge was killed, every other
// person comes back.
func (p *person) read(ctx context.Context, g *guest) {
	for {
		text, err := g.read()
		if err != nil {
			break
		}
		p.take(text)
	}
	g.conn.Close()
	p.mu.Lock()
	edge, ended := p.edge, p.ended
	p.guest, p.is = nil, ""
	p.mu.Unlock()
	switch {
	case ended:
	case edge == 0 || !p.crowd.killed.Load():
		p.crowd.fail("%s has lost its session", p.name())
	default:
		p.crowd.mu.Lock()
		p.crowd.lost++
		p.crowd.mu.Unlock()
		if p.number%4 != 1 {
			return
		}
		if err := p.login(ctx); err != nil {
			p.crowd.fail("%s comes back: %v", p.name(), err)
		}
	}
}

// take takes one envelope.
func (p *person) take(text []byte) {
	switch {
	case bytes.Contains(text, []byte(`"method":"observe"`)):
		from := stringOf(text, `"from":"person`)
		number, _, _ := bytes.Cut(from, []byte("@"))
		other, err := strconv.Atoi(string(number))
		if err != nil {
			p.crowd.fail("%s gets %s", p.name(), text)
			return
		}
		p.crowd.observes.Add(1)
		p.mu.Lock()
		p.known[other] = string(stringOf(text, `"status":"`))
		p.mu.Unlock()
	case bytes.Contains(text, []byte(`"status":"failure"`)) || bytes.Contains(text, []byte(`"state":"`)):
		p.crowd.fail("%s gets %s", p.name(), text)
	}
}

// presence is what it has set, and "" when it is not there.
func (p *person) presence() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.is
}

// knows is what it takes another for.
func (p *person) knows(other int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.known[other]; k != "" {
		return k
	}
	return "unavailable"
}

// leave closes the connection.
func (p *person) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.guest != nil {
		p.guest.conn.Close()
	}
}
