package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
)

// The long form: -spool-away 1m.
var spoolAway = flag.Duration("spool-away", time.Second, "for how long the network of a program with a spool is away")

// TestProgramThatIsKilledWithoutANetworkLosesNothing: a program publishes numbers, its network
// goes away, and it is killed by SIGKILL, once while it is in session and twice while it is not. What it
// had kept reaches its recipient, once and in order.
func TestProgramThatIsKilledWithoutANetworkLosesNothing(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1)
	at, err := url.Parse(c.edges[0].url)
	if err != nil {
		t.Fatal(err)
	}
	g := newNetwork(t, at.Host)
	cfg := client.Config{Node: lime.MustParseNode(c.name("rui") + "@" + domain + "/desk"), Presence: &lime.Presence{Status: lime.StatusAvailable}}
	rui, err := client.Dial(t.Context(), c.edges[0].url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		rui.Close()
		<-rui.Done()
	})
	dir := filepath.Join(t.TempDir(), "spool")
	kiosk := c.name("kiosk") + "@" + domain + "/1"
	start := func(first int) *process {
		t.Helper()
		return startProcess(t, "kiosk", t.TempDir(), kioskProgram, "ws://"+g.address+"/", kiosk, rui.Node().String(), dir, strconv.Itoa(first))
	}
	next := func(p *process, least int) int {
		t.Helper()
		var last int
		eventually(t, fmt.Sprintf("the kiosk keeps %d", least), patience, func() error {
			text, _ := p.output.read()
			text = text[:bytes.LastIndexByte(text, '\n')+1] // the last line may be half printed
			lines := bytes.Fields(text)
			if len(lines) == 0 {
				return errors.New("nothing")
			}
			var err error
			if last, err = strconv.Atoi(string(lines[len(lines)-1])); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
			if last < least {
				return fmt.Errorf("%d", last)
			}
			return nil
		})
		return last
	}

	p := start(0)
	next(p, 200)
	p.kill() // in session, with what has no answer yet
	kept := next(p, 0)
	p = start(kept + 1)
	next(p, kept+100)
	g.shut()
	away := time.Now()
	next(p, kept+400)
	p.kill() // without a session
	kept = next(p, 0)
	p = start(kept + 1) // it has none from the beginning
	next(p, kept+400)
	for time.Since(away) < *spoolAway {
		next(p, next(p, 0)+1)
	}
	second := startProcess(t, "second kiosk", t.TempDir(), kioskProgram, "ws://"+g.address+"/", kiosk, rui.Node().String(), dir, "0")
	if status := second.wantExit(t, patience); status.ExitStatus() != 1 || !bytes.Contains(second.output.tail(), []byte("spool in use by another process")) {
		t.Errorf("a second process on the directory ends with %d: %s", status.ExitStatus(), second.output.tail())
	}
	p.kill()
	kept = next(p, 0)
	took := time.Since(away)
	g.open(t)
	start(-1) // and sends what there is

	seen := 0
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for m, err := range rui.Messages(ctx) {
		if err != nil {
			t.Fatalf("after %d of %d: %v", seen, kept+1, err)
		}
		if string(m.Content) != strconv.Quote(strconv.Itoa(seen)) {
			t.Fatalf("%s comes for %d", m.Content, seen)
		}
		if seen++; seen == kept+1 {
			break
		}
	}
	t.Logf("%d numbers came in order, with the network away for %v and three processes killed", seen, took.Round(time.Millisecond))
}

// TestWhatHasArrivedIsHandledAfterSIGKILL: a program has messages on its disk that it has not come
// to when it is killed. The next process handles them without a network, and with one the rest: each in
// order, and none twice but what was being handled.
func TestWhatHasArrivedIsHandledAfterSIGKILL(t *testing.T) {
	t.Parallel()
	const n = 300
	c := startCluster(t, 1)
	at, err := url.Parse(c.edges[0].url)
	if err != nil {
		t.Fatal(err)
	}
	g := newNetwork(t, at.Host)
	dir := filepath.Join(t.TempDir(), "spool")
	kiosk := lime.MustParseNode(c.name("kiosk") + "@" + domain + "/1")
	start := func() *process {
		t.Helper()
		return startProcess(t, "kiosk", t.TempDir(), kioskProgram, "ws://"+g.address+"/", kiosk.String(), kiosk.String(), dir, "listen")
	}
	handled := func(p *process) (numbers []int) {
		t.Helper()
		text, _ := p.output.read()
		for _, line := range bytes.Fields(text[:bytes.LastIndexByte(text, '\n')+1]) {
			number, err := strconv.Atoi(string(line))
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			numbers = append(numbers, number)
		}
		return numbers
	}
	var received atomic.Int64
	mux := new(client.Mux)
	mux.HandleNotification(func(_ context.Context, _ *client.Client, n *lime.Notification) {
		if n.Event == lime.EventReceived {
			received.Add(1)
		}
	})
	rui, err := client.Dial(t.Context(), c.edges[0].url, client.Config{Node: lime.MustParseNode(c.name("rui") + "@" + domain + "/desk"), Handler: mux})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		rui.Close()
		<-rui.Done()
	})
	send := func(i int) error {
		number := strconv.Itoa(i)
		return rui.Publish(t.Context(), &lime.Message{ID: number, To: kiosk, Type: lime.MediaText, Content: []byte(`"` + number + `"`)})
	}
	p := start()
	eventually(t, "the kiosk is there", patience, func() error { return send(0) })
	for i := 1; i < n; i++ {
		if err := send(i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "it has some that it has not come to", patience, func() error {
		if have := len(handled(p)); int(received.Load()) < have+20 {
			return fmt.Errorf("%d received, %d handled", received.Load(), have)
		}
		return nil
	})
	g.shut()
	p.kill()
	said, first := int(received.Load()), handled(p)
	p = start()
	eventually(t, "without a network it handles what has arrived", patience, func() error {
		if have := handled(p); len(have) == 0 || have[len(have)-1] < said-1 {
			return fmt.Errorf("%d of %d", len(have), said-len(first))
		}
		return nil
	})
	offline := len(handled(p))
	g.open(t)
	eventually(t, "and with one the rest", patience, func() error {
		if have := handled(p); have[len(have)-1] < n-1 {
			return fmt.Errorf("up to %d", have[len(have)-1])
		}
		return nil
	})
	second := handled(p)
	all := append(first, second...)
	if len(first) > 0 && second[0] == first[len(first)-1] { // it was printed, and still kept when the process died
		all = append(first, second[1:]...)
	}
	for i, number := range all {
		if i != number {
			t.Fatalf("%d is handled for %d: %v", number, i, all)
		}
	}
	t.Logf("%d were handled before SIGKILL, %d of %d that were received behind it without a network, %d in all", len(first), offline, said, len(all))
}

// network is what lies between a client and an edge.
type network struct {
	address, to string
	running     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while it is shut
	conns    []net.Conn
}

func newNetwork(t *testing.T, to string) *network {
	t.Helper()
	g := &network{address: address(0), to: to}
	g.open(t)
	g.address = g.listener.Addr().String()
	t.Cleanup(func() {
		g.shut()
		g.running.Wait()
	})
	return g
}

func (g *network) open(t *testing.T) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.listener = l
	g.mu.Unlock()
	g.running.Go(func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			there, err := (&net.Dialer{Timeout: patience}).DialContext(context.Background(), "tcp", g.to)
			if err != nil {
				here.Close()
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, here, there)
			if g.listener != l { // it was shut meanwhile
				g.cutLocked()
			}
			g.mu.Unlock()
			for _, way := range [][2]net.Conn{{here, there}, {there, here}} {
				g.running.Go(func() {
					_, _ = io.Copy(way[0], way[1]) // until the network is away, or one of them
					way[0].Close()
					way[1].Close()
				})
			}
		}
	})
}

// shut has nobody come through, and those who have go.
func (g *network) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		g.listener.Close()
		g.listener = nil
	}
	g.cutLocked()
}

func (g *network) cutLocked() {
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}
