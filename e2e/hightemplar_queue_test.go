package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"limegrove/internal/rabbittest"
)

// messageQueue is a broker that backends publish triggers to.
type messageQueue struct {
	*rabbittest.Server
	t  *testing.T
	ch *amqp.Channel
}

func startQueue(t *testing.T) *messageQueue {
	t.Helper()
	q := &messageQueue{Server: rabbittest.Start(t), t: t}
	conn, err := amqp.Dial(q.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if q.ch, err = conn.Channel(); err != nil {
		t.Fatal(err)
	}
	return q
}

// publishes sends a trigger by the routing key of the original.
func (q *messageQueue) publishes(body string) {
	q.t.Helper()
	ctx, cancel := context.WithTimeout(q.t.Context(), patience)
	defer cancel()
	if err := q.ch.PublishWithContext(ctx, "hightemplar", "*", false, false, amqp.Publishing{Body: []byte(body)}); err != nil {
		q.t.Fatal(err)
	}
}

// posts posts a trigger to a router with a key, and returns what it is answered.
func posts(t *testing.T, at, key, body string) (status int, text string) {
	t.Helper()
	return postsTo(t, at, "/trigger/", key, body)
}

func postsTo(t *testing.T, at, path, key, body string) (status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true // no connection outlives the test
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// TestHighTemplarsBackends push by a message queue and over HTTP, to clients of two edges.
func TestHighTemplarsBackends(t *testing.T) {
	t.Parallel()
	q := startQueue(t)
	const key = "a-key-for-these-tests"
	at := address(freePorts(t, 1))
	s := startTemple(t, 2, []string{"-hightemplar-amqp", q.URL()})
	second := startProcess(t, "router-2", t.TempDir(), routerProgram, s.shared("router-2", "-gossip", address(0), "-join", s.gossip, "-api", at, "-api-key", key)...)
	second.wantPrinted(t, "triggers come from the message queue")
	s.router.wantPrinted(t, "triggers come from the message queue")
	second.wantPrinted(t, "the HTTP API serves")
	one, two := s.comes(t, s.edges[0], news), s.comes(t, s.edges[1], news)
	one.subscribes("a room", `1`, `{"target":"news"}`, success)
	two.subscribes("the same", `2`, `{"target":"news"}`, success)

	t.Run("the message queue", func(t *testing.T) { // H-36, H-40
		for i := range 20 { // whichever of the routers takes it
			q.publishes(fmt.Sprintf(`{"rooms":[{"target":"news"}],"data":{"n":%d}}`, i))
			one.published("once", fmt.Sprintf(`{"n":%d}`, i), `1`)
			two.published("once", fmt.Sprintf(`{"n":%d}`, i), `2`)
		}
		one.silence("and nothing else")
		two.silence("and nothing else")
	})
	t.Run("HTTP", func(t *testing.T) { // H-39
		for _, row := range []struct {
			key, body string
			status    int
			text      string // with which the answer begins
		}{
			{key, `{"rooms":[{"target":"news"}],"data":"posted"}`, 200, "publish success"},
			{key, `{"data":1}`, 400, "rooms not specified"},
			{key, `{"rooms":[]}`, 400, "data not specified"},
			{"", `{"rooms":[{"target":"news"}],"data":1}`, 401, "{"},
			{"another-key-of-nobody", `{"rooms":[{"target":"news"}],"data":1}`, 401, "{"},
		} {
			if status, text := posts(t, at, row.key, row.body); status != row.status || !strings.HasPrefix(text, row.text) {
				t.Errorf("%s is answered %d %s, want %d %s", row.body, status, text, row.status, row.text)
			}
		}
		for what, given := range map[string]string{
			"another domain's": `{"name":"a","scopes":["rooms"],"domains":["ht.localhost"]}`, "another scope's": `{"name":"b","scopes":["send"]}`,
		} {
			var made struct{ Key string }
			status, text := postsTo(t, at, "/v1/keys", key, given)
			if err := json.Unmarshal([]byte(text), &made); status != http.StatusCreated || err != nil {
				t.Fatalf("a key is not made: %d %s", status, text)
			}
			eventually(t, what+" key", patience, func() error { // it may take a moment to be known
				if status, text := posts(t, at, made.Key, `{"rooms":[{"target":"news"}],"data":1}`); status != http.StatusForbidden {
					return fmt.Errorf("it is answered %d %s", status, text)
				}
				return nil
			})
		}
		one.published("the first of them", `"posted"`, `1`)
		two.published("the first of them", `"posted"`, `2`)
		one.silence("and nothing else")
	})
}

// TestTheOriginalsOwnTests plays what high-templar's own suite asks of a server over the network, on a
// fresh one whose counts are absolute, with the message queue as the suite has it. It is that suite as it
// is documented, in its order, and not the suite itself, which is Python's. H-44
func TestTheOriginalsOwnTests(t *testing.T) {
	t.Parallel()
	q := startQueue(t)
	s := startTemple(t, 1, []string{"-hightemplar-amqp", q.URL()})
	s.router.wantPrinted(t, "triggers come from the message queue")
	at := s.edges[0]
	const message = `[{"target":"message","customer":"1"}]`
	trigger := func(room, data string) { q.publishes(`{"rooms":[` + room + `],"data":` + data + `}`) }
	alone := func(c *templar) *templar { // those of before have gone, and that was noticed
		c.counts("it is alone", 1, 0)
		return c
	}

	t.Run("setting up a connection", func(t *testing.T) {
		t.Run("no rooms", func(t *testing.T) { s.comes(t, at, `[]`) })
		t.Run("not logged in", func(t *testing.T) { s.opens(t, at, "nobody", nil).isRefused("it is told, and closed") })
		t.Run("rooms", func(t *testing.T) { s.comes(t, at, `[{"target":"message","customer":"1"},{"target":"news"}]`) })
		t.Run("rooms that are none", func(t *testing.T) {
			s.api.lets("texts", `["foo","bar"]`)
			s.opens(t, at, "texts", nil).isRefused("it is told, and closed")
		})
		t.Run("ping", func(t *testing.T) { s.comes(t, at, `[]`).silence("pong") })
		t.Run("no JSON", func(t *testing.T) {
			c := s.comes(t, at, `[]`)
			c.says("not json")
			if v, _ := c.next("it is told").(map[string]any); v["code"] != "error" || v["message"] != "non-json-message" {
				t.Errorf("got %v", v)
			}
		})
		t.Run("no type", func(t *testing.T) {
			c := s.comes(t, at, `[]`)
			c.says(`{"type":"foo"}`)
			if v, _ := c.next("it is told").(map[string]any); v["code"] != "error" || v["message"] != "message-type-not-allowed" {
				t.Errorf("got %v", v)
			}
		})
	})
	t.Run("subscribing", func(t *testing.T) {
		t.Run("to a room", func(t *testing.T) {
			s.comes(t, at, message).subscribes("it may", `"id"`, `{"target":"message","customer":"1"}`, success)
		})
		t.Run("to one that is not allowed", func(t *testing.T) {
			s.comes(t, at, message).subscribes("it may not", `"id"`, `{"target":"foobar","customer":"2"}`, fails("room-not-found"))
		})
		t.Run("by a wildcard", func(t *testing.T) {
			c := s.comes(t, at, `[{"target":"finished","allocation":"*","driver":"*","truck":"*"}]`)
			c.subscribes("it may", `"id"`, `{"target":"finished","allocation":1,"driver":"*","truck":"*"}`, success)
		})
	})
	t.Run("unsubscribing", func(t *testing.T) {
		t.Run("from a room", func(t *testing.T) {
			c := s.comes(t, at, message)
			c.subscribes("it is in", `"id"`, `{"target":"message","customer":"1"}`, success)
			c.unsubscribes("it is out", `"id"`, success)
		})
		t.Run("from none", func(t *testing.T) {
			s.comes(t, at, message).unsubscribes("it was not in", `"id"`, fails("not-subscribed"))
		})
	})
	t.Run("messages", func(t *testing.T) {
		t.Run("to who has subscribed", func(t *testing.T) {
			c := s.comes(t, at, message)
			c.subscribes("it is in", `"id"`, `{"target":"message","customer":"1"}`, success)
			trigger(`{"target":"message","customer":"1"}`, `{"foo":"bar"}`)
			c.published("it comes", `{"foo":"bar"}`, `"id"`)
		})
		t.Run("to two connections", func(t *testing.T) {
			one, two := s.comes(t, at, message), s.comes(t, at, message)
			one.subscribes("it is in", `"id"`, `{"target":"message","customer":"1"}`, success)
			two.subscribes("it is in", `"id"`, `{"target":"message","customer":"1"}`, success)
			trigger(`{"target":"message","customer":"1"}`, `{"foo":"bar"}`)
			one.published("it comes", `{"foo":"bar"}`, `"id"`)
			two.published("it comes", `{"foo":"bar"}`, `"id"`)
		})
		t.Run("to a wildcard", func(t *testing.T) {
			c := s.comes(t, at, `[{"target":"message","customer":"*"}]`)
			c.subscribes("it is in", `"id"`, `{"target":"message","customer":"*"}`, success)
			trigger(`{"target":"message","customer":"*"}`, `{"foo":"bar"}`)
			c.published("it comes", `{"foo":"bar"}`, `"id"`)
		})
		t.Run("to a room that somebody else is in", func(t *testing.T) {
			c := s.comes(t, at, `[{"target":"message","customer":"2"}]`)
			c.subscribes("it is in", `"id"`, `{"target":"message","customer":"2"}`, success)
			trigger(`{"target":"message","customer":"1"}`, `{"foo":"bar"}`)
			trigger(`{"target":"message","customer":"2"}`, `"its own"`)
			c.published("nothing before its own", `"its own"`, `"id"`)
		})
		t.Run("to a room of which it has the wildcard", func(t *testing.T) { // skipped there: its code does not do it
			c := s.comes(t, at, `[{"target":"message","customer":"*"}]`)
			c.subscribes("it is in", `"all"`, `{"target":"message","customer":"*"}`, success)
			c.subscribes("it is in", `"one"`, `{"target":"message","customer":"1"}`, success)
			trigger(`{"target":"message","customer":"1"}`, `{"foo":"bar"}`)
			c.published("to the one alone", `{"foo":"bar"}`, `"one"`)
			c.silence("to the one alone")
		})
	})
	t.Run("counts", func(t *testing.T) {
		t.Run("of connections", func(t *testing.T) {
			c := alone(s.comes(t, at, message))
			other := s.comes(t, at, message)
			if open, rooms := c.status(); open != 2 || rooms != 0 {
				t.Errorf("there are %d connections and %d rooms", open, rooms)
			}
			other.conn.Close()
			c.counts("the other one has gone", 1, 0)
		})
		t.Run("of rooms, with unsubscribing", func(t *testing.T) {
			c := alone(s.comes(t, at, `[{"target":"message","customer":"1"},{"target":"message","customer":"2"}]`))
			for i, step := range []func(){
				func() { c.subscribes("it is in", `"1"`, `{"target":"message","customer":"1"}`, success) },
				func() { c.subscribes("it is in", `"2"`, `{"target":"message","customer":"2"}`, success) },
				func() { c.unsubscribes("it is out", `"2"`, success) },
				func() { c.unsubscribes("it is out", `"1"`, success) },
			} {
				step()
				if _, rooms := c.status(); rooms != []int{1, 2, 1, 0}[i] {
					t.Errorf("after step %d there are %d rooms", i, rooms)
				}
			}
		})
		t.Run("of a room of two", func(t *testing.T) {
			c := alone(s.comes(t, at, message))
			other := s.comes(t, at, message)
			c.subscribes("it is in", `"1"`, `{"target":"message","customer":"1"}`, success)
			other.subscribes("it is in", `"2"`, `{"target":"message","customer":"1"}`, success)
			c.unsubscribes("it is out", `"1"`, success)
			if _, rooms := c.status(); rooms != 1 {
				t.Errorf("there are %d rooms", rooms)
			}
		})
		t.Run("of rooms, with the end of a connection", func(t *testing.T) {
			c := alone(s.comes(t, at, message))
			other := s.comes(t, at, message)
			other.subscribes("it is in", `"2"`, `{"target":"message","customer":"1"}`, success)
			other.conn.Close()
			c.counts("it has gone", 1, 0)
		})
	})
	t.Run("load", func(t *testing.T) {
		const rooms = 1500
		var allowed []string
		for i := range rooms {
			allowed = append(allowed, fmt.Sprintf(`{"target":"message","customer":"%d"}`, i))
		}
		c := alone(s.comes(t, at, `[]`))
		many := s.comes(t, at, "["+strings.Join(allowed, ",")+"]")
		for i := range rooms {
			many.subscribes("all of them", fmt.Sprintf(`"%d"`, i), allowed[i], success)
		}
		if open, n := c.status(); open != 2 || n != rooms {
			t.Errorf("there are %d connections and %d rooms", open, n)
		}
		for i := range rooms {
			data := fmt.Sprintf(`{"customer":"%d"}`, i)
			trigger(allowed[i], data)
			many.published("all of them", data, fmt.Sprintf(`"%d"`, i))
		}
		many.conn.Close()
		c.counts("they have gone", 1, 0)
	})
}

// TestOneProcessServesHighTemplar with nothing around it but the platform, and prints how to add an edge that
// does, too.
func TestOneProcessServesHighTemplar(t *testing.T) {
	t.Parallel()
	const key = "a-key-for-these-tests"
	api := newBackend(t)
	backends, listen, gossip := address(freePorts(t, 1)), freePorts(t, 2), freePorts(t, 2)
	p := startProcess(t, "edge", t.TempDir(), edgeProgram, "-listen", address(listen), "-admin", "", "-gossip", address(gossip),
		"-api", backends, "-api-key", key, "-domain", domain, "-domain", "ht.localhost", "-hightemplar", "/ws", "-hightemplar-api", api.url,
		"-hightemplar-domain", "ht.localhost", "-hightemplar-header", "X-Session-Token=param:session_token", "-hightemplar-legacy")
	first := newEdge(t, p)
	line := p.wantPrinted(t, `Add a second edge[^\n]*\n +(.+)\n`)[1]
	others, found := strings.CutPrefix(line, "go run ./cmd/edge ")
	if !found {
		t.Fatalf("the line that adds a second edge is %q", line)
	}
	second := newEdge(t, startProcess(t, "second edge", t.TempDir(), "sh", "-c", "exec "+edgeProgram+" "+others))
	for i, at := range []*edge{first, second} {
		api.lets("one", news)
		c := &templar{dialSocket(t, at.url, "ws?token=one&session_token=st", nil)}
		c.gets("it is let in", `{"is_authorized":true,"is_authenticated":true,"allowed_rooms":`+news+`}`)
		if calls := api.about("one"); len(calls) != i+1 || calls[i].Header.Get("X-Session-Token") != "st" {
			t.Errorf("the API was asked by %v", calls)
		}
		c.subscribes("a room", `1`, `{"target":"news"}`, `{"requestId":1,"code":"success"}`)
		eventually(t, "a trigger is taken", patience, func() error {
			if status, text := posts(t, backends, key, `{"rooms":[{"target":"news"}],"data":1}`); status != http.StatusOK {
				return fmt.Errorf("it is answered %d %s", status, text)
			}
			return nil
		})
		c.published("it comes", `1`, `1`)
	}
}
