package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// spine is a client that does what spine-high-templar, the one that browsers have, is documented to do: it
// sends as soon as the socket is open, and does not wait for any answer; it subscribes again under the same
// ids when it is connected again, two seconds after whatever end; and hands out what is published under
// one of its ids.
type spine struct {
	url  string
	subs map[string]string // rooms, by their ids
	got  chan string       // data, as JSON

	mu             sync.Mutex
	opened, closed int
	seen           []map[string]any // what is not published
}

// run connects, and again, until done is closed.
func (s *spine) run(t *testing.T, done <-chan struct{}) {
	for {
		s.once(t, done)
		select {
		case <-done:
			return
		case <-time.After(2 * time.Second):
		}
	}
}

// once has one connection.
func (s *spine) once(t *testing.T, done <-chan struct{}) {
	conn, early, _, err := ws.Dial(t.Context(), s.url)
	if err != nil {
		return
	}
	if early != nil {
		conn = readAhead{conn, early}
	}
	ended := make(chan struct{})
	var ending sync.WaitGroup
	ending.Go(func() {
		select {
		case <-done:
		case <-ended:
		}
		conn.Close()
	})
	defer ending.Wait()
	defer close(ended)
	s.note(func() { s.opened++ })
	defer s.note(func() { s.closed++ })
	for id, room := range s.subs {
		if wsutil.WriteClientText(conn, fmt.Appendf(nil, `{"type":"subscribe","room":%s,"requestId":"%s"}`, room, id)) != nil {
			return
		}
	}
	if wsutil.WriteClientText(conn, []byte("ping")) != nil {
		return
	}
	for {
		b, err := wsutil.ReadServerText(conn)
		if err != nil {
			return
		}
		if string(b) == "pong" {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Errorf("it cannot read %s: %v", b, err)
			return
		}
		id, _ := v["requestId"].(string)
		if _, ours := s.subs[id]; v["type"] == "publish" && ours {
			data, err := json.Marshal(v["data"])
			if err != nil {
				t.Error(err)
			}
			s.got <- string(data)
		} else {
			s.note(func() { s.seen = append(s.seen, v) })
		}
	}
}

func (s *spine) note(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
}

// TestTheClientOfBrowsers connects, gets what is published, and subscribes again when its edge was away.
func TestTheClientOfBrowsers(t *testing.T) { // H-43
	t.Parallel()
	port := freePorts(t, 1)
	s := startTemple(t, 1, nil)
	stays := s.edges[0]
	flags := append(s.shared("edge-2", "-gossip", address(0), "-join", s.gossip, "-listen", address(port)), s.flags...)
	restarts := newEdge(t, startProcess(t, "edge-2", t.TempDir(), edgeProgram, flags...))
	s.api.lets("browser", news)
	c := &spine{
		url: strings.TrimSuffix(restarts.url, "/") + "/ws/?token=browser", got: make(chan string, 1000),
		subs: map[string]string{"6ba7b810-9dad-11d1-80b4-00c04fd430c8": `{"target":"news"}`, "6ba7b811-9dad-11d1-80b4-00c04fd430c8": `{"target":"message","customer":"1"}`},
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { c.run(t, done) })
	t.Cleanup(func() {
		close(done)
		running.Wait()
	})
	// gets publishes until it comes, and each at most once.
	seen := map[string]bool{}
	gets := func(what, room string) {
		t.Helper()
		n := 0
		eventually(t, what, patience, func() error {
			n++
			data := fmt.Sprintf(`%q`, fmt.Sprint(what, n))
			s.triggersRooms(t, room, data)
			for {
				select {
				case got := <-c.got: // an earlier one may be late
					if seen[got] {
						t.Errorf("%s comes again", got)
					}
					seen[got] = true
					if got == data {
						return nil
					}
				case <-time.After(200 * time.Millisecond):
					return fmt.Errorf("%s does not come", data)
				}
			}
		})
	}
	gets("a room", `[{"target":"news"}]`)
	gets("another", `[{"target":"message","customer":"1"}]`)
	restarts.signal(t, syscall.SIGTERM)
	restarts.wantExit(t, patience)
	s.comes(t, stays, news).silence("others go on")
	newEdge(t, startProcess(t, "edge-2", t.TempDir(), edgeProgram, flags...))
	gets("a room, again", `[{"target":"news"}]`)
	gets("another, again", `[{"target":"message","customer":"1"}]`)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened != 2 || c.closed != 1 || len(c.seen) != 2*3 { // the first frame, and two answers, each time
		t.Errorf("it was connected %d times, cut %d times, and has seen %v", c.opened, c.closed, c.seen)
	}
}
