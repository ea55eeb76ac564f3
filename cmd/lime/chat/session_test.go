package chat

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/clienttest"
	"limegrove/lime/client/spool"
)

const patience = 20 * time.Second

// opened is a session of somebody, at a server that may be away.
func opened(t *testing.T, url, who, keep string) (*session, []*lime.Message) {
	t.Helper()
	cfg := Config{Server: url, Spool: keep, Into: t.TempDir(), Timeout: patience}
	cfg.Client.Node = lime.MustParseNode(who)
	cfg.Client.Backoff = client.Backoff{First: time.Millisecond, Last: 10 * time.Millisecond}
	s, left, err := openSession(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, left
}

func closed(t *testing.T, s *session) {
	t.Helper()
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// awaits waits for an event, as the loop would take it.
func awaits[E any](t *testing.T, s *session, what string, is func(E) bool) E {
	t.Helper()
	late := time.After(patience)
	for {
		var got any
		select {
		case got = <-s.events:
			if d, ok := got.(delivery); ok {
				close(d.taken)
				got = came{d.message}
			}
		case <-s.changed:
			got = s.connection()
		case <-late:
			t.Fatalf("%s: nothing of the kind has come", what)
		}
		if e, ok := got.(E); ok && is(e) {
			return e
		}
	}
}

func isOnline(c connection) bool { return c.state == online }

func text(id, to, words string) publish {
	return publish{&lime.Message{ID: id, To: lime.MustParseNode(to), Type: lime.MediaText, Content: resource(words)}}
}

func TestMessagesAndWhatBecomesOfThem(t *testing.T) {
	server := clienttest.Start(t)
	ana, _ := opened(t, server.URL(), "ana@localhost/desk", "")
	defer closed(t, ana)
	rui, _ := opened(t, server.URL(), "rui@localhost/desk", "")
	defer closed(t, rui)
	if c := awaits(t, ana, "ana's session", isOnline); c.me.String() != "ana@localhost/desk" || c.server != "test" || c.sessions != 1 {
		t.Errorf("she is %+v", c)
	}
	awaits(t, rui, "rui's session", isOnline)
	ana.do(text("1", "rui@localhost", "hello"))
	awaits(t, ana, "it is stored", func(e published) bool { return e.id == "1" && e.err == nil })
	m := awaits(t, rui, "it comes", func(e came) bool { return e.message.ID == "1" }).message
	awaits(t, ana, "and is received when it was taken", func(e notified) bool { return e.notification.Event == lime.EventReceived })
	rui.do(sayConsumed{"1", m.From})
	awaits(t, ana, "and read", func(e notified) bool { return e.notification.Event == lime.EventConsumed && e.notification.ID == "1" })
	rui.do(sayWriting{m.From.Identity})
	awaits(t, ana, "rui is writing", func(e came) bool { return e.message.Type == mediaChatState && e.message.ID == "" })
	ana.do(text("2", "nobody@localhost", "hello"))
	awaits(t, ana, "nobody is there", func(e published) bool { return e.id == "2" && e.err != nil })
	ana.do(ask{"a question", &lime.Command{Method: lime.MethodGet, URI: "/contacts"}})
	awaits(t, ana, "an answer", func(e answered) bool { return e.about == "a question" && e.err != nil && !e.lost })
	p := lime.Presence{Status: lime.StatusAway}
	ana.do(show{aboutPresence{p}, p})
	awaits(t, ana, "the presence", func(e answered) bool { _, ok := e.about.(aboutPresence); return ok && e.err == nil })
}

func TestWhatIsSaidWithoutAConnectionOutlivesTheProcess(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "spool")
	away, left := opened(t, "ws://127.0.0.1:1/", "ana@localhost/desk", keep)
	if len(left) != 0 {
		t.Errorf("%d messages are there at first", len(left))
	}
	for i := range 3 {
		away.do(text(fmt.Sprint("kept-", i), "ana@localhost", "to myself"))
	}
	if _, err := spool.Open(keep, spool.Config{}); !errors.Is(err, spool.ErrInUse) {
		t.Errorf("a second process gets %v", err)
	}
	closed(t, away) // at once: all that was said is kept

	server := clienttest.Start(t)
	back, left := opened(t, server.URL(), "ana@localhost/desk", keep)
	if len(left) != 3 || left[0].ID != "kept-0" || left[2].ID != "kept-2" {
		t.Errorf("left are %v", left)
	}
	for i := range 3 {
		awaits(t, back, "it comes, in order", func(e came) bool {
			if want := fmt.Sprint("kept-", i); e.message.ID != want {
				t.Errorf("%s comes before %s", e.message.ID, want)
			}
			return true
		})
	}
	closed(t, back)
	after, left := opened(t, server.URL(), "ana@localhost/desk", keep)
	if len(left) != 0 {
		t.Errorf("%d messages are kept still", len(left))
	}
	closed(t, after)
}

func TestALostConnectionIsFollowedByAnother(t *testing.T) {
	server := clienttest.Start(t)
	s, _ := opened(t, server.URL(), "ana@localhost/desk", "")
	defer closed(t, s)
	awaits(t, s, "a session", isOnline)
	s.do(reconnect{}) // which changes nothing
	server.Cut()
	c := awaits(t, s, "the next", func(c connection) bool { return c.state == online && c.sessions > 1 })
	if c.me.String() != "ana@localhost/desk" {
		t.Errorf("she is %s", c.me)
	}
	s.do(text("1", "ana@localhost", "still here"))
	awaits(t, s, "and it works", func(e came) bool { return e.message.ID == "1" })
}

// Who floods a chat waits: the loop need not take anything for the rest to stay bounded.
func TestAFloodWaits(t *testing.T) {
	server := clienttest.Start(t)
	s, _ := opened(t, server.URL(), "ana@localhost/desk", "")
	other, err := client.Dial(t.Context(), server.URL(), client.Config{Node: lime.MustParseNode("rui@localhost/desk")})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * maxEvents {
		n := &lime.Notification{ID: "x", To: lime.MustParseNode("ana@localhost/desk"), Event: lime.EventReceived}
		if err := other.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxAsked + 1 {
		answer := s.ask(i, func(ctx context.Context) (*lime.Command, error) { <-ctx.Done(); return nil, ctx.Err() })
		if refused := answer != nil; refused != (i == maxAsked) {
			t.Errorf("question %d gets %v", i, answer)
		}
	}
	for range atOnce + maxTransfers + 1 {
		s.move(func(ctx context.Context) { <-ctx.Done() })
	}
	if got, ok := s.do(upload{"x", "y"}).(uploaded); !ok || !errors.Is(got.err, errTransfers) {
		t.Errorf("one more transfer gets %v", got)
	}
	if got, ok := s.do(download{number: 1}).(fetched); !ok || !errors.Is(got.err, errTransfers) {
		t.Errorf("one more transfer gets %v", got)
	}
	for range 2 * maxTold {
		s.tell(func(ctx context.Context) error { return nil })
	}
	other.Close()
	closed(t, s)
}

func TestFilesAreFetchedAndNoneIsOverwritten(t *testing.T) {
	server := clienttest.Start(t)
	from := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.Header().Set("Content-Length", "10")
			if r.Method == http.MethodHead {
				return
			}
			_, _ = w.Write([]byte("a"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		_, _ = w.Write([]byte("a cat"))
	}))
	defer from.Close()
	s, _ := opened(t, server.URL(), "ana@localhost/desk", "")
	defer closed(t, s)
	get := download{number: 1, link: lime.MediaLink{Title: "../cat.png", Type: "image/png", URI: from.URL + "/cat"}, from: lime.MustParseIdentity("rui@localhost")}
	s.do(get)
	got := awaits(t, s, "it comes", func(e fetched) bool { return e.number == 1 })
	if b, err := os.ReadFile(got.path); got.err != nil || err != nil || string(b) != "a cat" || filepath.Dir(got.path) != s.cfg.Into {
		t.Errorf("it is in %q: %q, %v, %v", got.path, b, err, got.err)
	}
	s.do(get)
	if got = awaits(t, s, "again", func(e fetched) bool { return e.number == 1 }); !errors.Is(got.err, fs.ErrExist) {
		t.Errorf("it comes over it: %v", got.err)
	}
	get.into = filepath.Join(t.TempDir(), "elsewhere")
	s.do(get)
	if got = awaits(t, s, "elsewhere", func(e fetched) bool { return e.number == 1 }); got.err != nil || filepath.Dir(got.path) != get.into {
		t.Errorf("it is in %q, %v", got.path, got.err)
	}
	s.do(download{number: 2, link: lime.MediaLink{URI: from.URL + "/slow"}, from: get.from})
	awaits(t, s, "it has begun", func(e moved) bool { return e.number == 2 })
	s.do(cancel{})
	if got = awaits(t, s, "cancelled", func(e fetched) bool { return e.number == 2 }); !errors.Is(got.err, context.Canceled) {
		t.Errorf("it ends with %v", got.err)
	}
	s.do(upload{"x", "/nowhere/at/all"})
	if got := awaits(t, s, "no file", func(e uploaded) bool { return e.id == "x" }); !errors.Is(got.err, fs.ErrNotExist) {
		t.Errorf("it ends with %v", got.err)
	}
}

func TestRoomsAreRemembered(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rooms.json")
	if rooms, err := readRooms(file); err != nil || rooms != nil {
		t.Errorf("at first they are %q, %v", rooms, err)
	}
	if err := writeRooms(file, []string{"/a", "/b"}); err != nil {
		t.Fatal(err)
	}
	if rooms, err := readRooms(file); err != nil || fmt.Sprint(rooms) != "[/a /b]" {
		t.Errorf("they are %q, %v", rooms, err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readRooms(file); err == nil {
		t.Error("what is no JSON is read")
	}
	if err := writeRooms(filepath.Join(file, "below"), nil); err == nil {
		t.Error("they are kept nowhere")
	}
	if rooms, err := readRooms(""); err != nil || rooms != nil || writeRooms("", []string{"/a"}) != nil {
		t.Error("who has no file keeps something")
	}
}
