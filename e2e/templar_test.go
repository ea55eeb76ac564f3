package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/nats-io/nats.go"
)

// backend is a backing API: it answers by the token of a client, and writes down what it is
// asked and told.
type backend struct {
	url string

	mu    sync.Mutex
	rooms map[string]string           // by token: what allowed_rooms is
	does  map[string]http.HandlerFunc // by token, in place of that
	calls []*http.Request
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	p := &backend{rooms: map[string]string{}, does: map[string]http.HandlerFunc{}}
	s := httptest.NewServer(p)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	p.url = s.URL + "/api/"
	return p
}

// ServeHTTP answers about a client.
func (p *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Token ")
	p.mu.Lock()
	p.calls = append(p.calls, r)
	does, rooms := p.does[token], p.rooms[token]
	p.mu.Unlock()
	switch {
	case does != nil:
		does(w, r)
	case r.Method != http.MethodGet:
	case rooms == "":
		w.WriteHeader(http.StatusForbidden)
	default:
		says(200, `{"allowed_rooms":`+rooms+`,"user":{"data":{"id":"`+token+`"}}}`)(w, r)
	}
}

// says answers with JSON.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // who has gone needs no answer
	}
}

// lets has the API let a token's clients into rooms, and answers says something else of them.
func (p *backend) lets(token, rooms string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rooms[token] = rooms
}

func (p *backend) answers(token string, does http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does[token] = does
}

// about returns the calls about a token's clients.
func (p *backend) about(token string) (all []*http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.calls {
		if r.Header.Get("Authorization") == "Token "+token {
			all = append(all, r)
		}
	}
	return all
}

// temple is a cluster with high-templar's clients.
type temple struct {
	*cluster
	t     *testing.T
	api   *backend
	nats  *nats.Conn
	flags []string
}

// triggers is the subject of NATS that tests publish them on.
const triggers = "platform.triggers"

// startTemple starts a router and edges; more are flags of the edges.
func startTemple(t *testing.T, edges int, shared []string, more ...string) *temple {
	t.Helper()
	broker := startNATS(t)
	s := &temple{t: t, api: newBackend(t), cluster: &cluster{nats: broker, broker: broker.url}}
	s.settings = append([]string{"-domain", domain, "-domain", "ht.localhost", "-hightemplar-subject", triggers}, shared...)
	s.flags = append([]string{"-hightemplar", "/ws/", "-hightemplar-api", s.api.url, "-hightemplar-domain", "ht.localhost"}, more...)
	s.start(t, edges, s.flags...)
	var err error
	if s.nats, err = nats.Connect(broker.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.nats.Close)
	return s
}

// triggersRooms publishes data to rooms, as a backend.
func (s *temple) triggersRooms(t *testing.T, rooms, data string) {
	t.Helper()
	eventually(t, "somebody takes triggers", patience, func() error {
		answer, err := s.nats.Request(triggers, []byte(`{"rooms":`+rooms+`,"data":`+data+`}`), patience)
		if err == nil && string(answer.Data) != "publish success" {
			t.Fatalf("the trigger is answered %s", answer.Data)
		}
		return err
	})
}

// templar is one of high-templar's clients.
type templar struct{ *socket }

// opens connects a client, and reads nothing yet.
func (s *temple) opens(t *testing.T, at *edge, token string, headers http.Header) *templar {
	t.Helper()
	return &templar{dialSocket(t, at.url, "ws/?token="+token, headers)}
}

// comes connects a client that is let into rooms.
func (s *temple) comes(t *testing.T, at *edge, rooms string) *templar {
	t.Helper()
	token := s.name("templar")
	s.api.lets(token, rooms)
	c := s.opens(t, at, token, nil)
	c.gets("H-06: it is let in", `{"is_authorized":true,"allowed_rooms":`+rooms+`}`)
	return c
}

// isRefused waits for the first frame, which is the last.
func (c *templar) isRefused(what string) {
	c.t.Helper()
	c.gets(what, `{"is_authorized":false}`)
	c.closes(what, ws.StatusNormalClosure, "")
}

// text waits for a text that is no JSON.
func (c *templar) text(what, want string) {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	b, op, err := wsutil.ReadServerData(c.conn)
	if err != nil || op != ws.OpText || string(b) != want {
		c.t.Errorf("%s: got %s (%v), want %s", what, b, err, want)
	}
}

// silence says that all that was to come has, which the answer to a ping tells.
func (c *templar) silence(what string) {
	c.t.Helper()
	c.says("ping")
	c.text(what, "pong")
}

const success = `{"code":"success"}`

// fails is the answer that says why not.
func fails(message string) string { return `{"code":"error","message":"` + message + `"}` }

// subscribes subscribes to a room, with an id that is JSON.
func (c *templar) subscribes(what, id, room, answer string) {
	c.t.Helper()
	c.says(`{"type":"subscribe","requestId":` + id + `,"room":` + room + `}`)
	c.gets(what, answer)
}

func (c *templar) unsubscribes(what, id, answer string) {
	c.t.Helper()
	c.says(`{"type":"unsubscribe","requestId":` + id + `}`)
	c.gets(what, answer)
}

// published waits for what rooms bring.
func (c *templar) published(what, data string, ids ...string) {
	c.t.Helper()
	left := map[string]bool{}
	for _, id := range ids {
		left[`{"type":"publish","data":`+data+`,"requestId":`+id+`}`] = true
	}
next:
	for range ids {
		got := c.next(what)
		for text := range left {
			var want any
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				c.t.Fatal(err)
			}
			if reflect.DeepEqual(got, want) {
				delete(left, text)
				continue next
			}
		}
		c.t.Errorf("%s: got %v, want one of %v", what, got, left)
	}
}

// status asks for the edge's counts.
func (c *templar) status() (connections, rooms int) {
	c.t.Helper()
	c.says(`{"type":"status"}`)
	v, ok := c.next("its status").(map[string]any)
	want := []string{
		"num_rooms", "online_since", "open_connections", "rabbitmq_messages_received",
		"ws_messages_received", "ws_messages_send", "ws_messages_send_error", "ws_messages_send_queued",
	}
	if !ok || len(v) != len(want) {
		c.t.Fatalf("its status is %v", v)
	}
	for _, name := range want {
		if _, ok := v[name]; !ok {
			c.t.Errorf("its status has no %s", name)
		}
	}
	open, _ := v["open_connections"].(float64)
	num, _ := v["num_rooms"].(float64)
	return int(open), int(num)
}

// counts waits until the edge counts so many connections and rooms: one that has closed may
// be noticed a little later.
func (c *templar) counts(what string, connections, rooms int) {
	c.t.Helper()
	eventually(c.t, what, patience, func() error {
		if open, num := c.status(); open != connections || num != rooms {
			return fmt.Errorf("there are %d connections and %d rooms, not %d and %d", open, num, connections, rooms)
		}
		return nil
	})
}

// isCut waits for the end of the connection, of whatever kind.
func (c *templar) isCut(what string, within time.Duration) {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		c.t.Fatal(err)
	}
	for {
		_, _, err := wsutil.ReadServerData(c.conn)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			c.t.Fatalf("%s: it is not cut within %s", what, within)
		}
		if err != nil {
			return
		}
	}
}
