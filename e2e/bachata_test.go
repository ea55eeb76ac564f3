package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// channels are the flags of clusters that serve bachata.
func channels(more ...string) []string {
	return append([]string{
		"-domain", domain, "-domain", "channels.localhost", "-bachata", "/messages", "-bachata-domain", "channels.localhost", "-bachata-auth", "open",
	}, more...)
}

// socket is a plain WebSocket that speaks bachata.
type socket struct {
	t    *testing.T
	conn net.Conn
}

// openChannel connects to a channel, and reads nothing yet.
func openChannel(t *testing.T, at *edge, channel string) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, early, _, err := ws.Dial(ctx, strings.TrimSuffix(at.url, "/")+"/messages?channel="+url.QueryEscape(channel))
	if err != nil {
		t.Fatalf("connect to %s: %v", channel, err)
	}
	if early != nil { // something came with the answer
		conn = readAhead{conn, early}
	}
	t.Cleanup(func() { conn.Close() })
	return &socket{t: t, conn: conn}
}

// inChannel connects to a channel that is ready.
func inChannel(t *testing.T, at *edge, channel string) *socket {
	t.Helper()
	s := openChannel(t, at, channel)
	s.gets("B-01: it is ready", `{"type":1000}`)
	return s
}

// readAhead is a connection of which something was read already.
type readAhead struct {
	net.Conn
	reader io.Reader
}

func (r readAhead) Read(b []byte) (int, error) { return r.reader.Read(b) }

func (s *socket) says(text string) {
	s.t.Helper()
	if err := wsutil.WriteClientText(s.conn, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// next is the next frame.
func (s *socket) next(what string) any {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	b, op, err := wsutil.ReadServerData(s.conn)
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	if op != ws.OpText {
		s.t.Errorf("%s: a frame of kind %v", what, op)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		s.t.Fatalf("%s: %s: %v", what, b, err)
	}
	return v
}

func (s *socket) gets(what, want string) {
	s.t.Helper()
	got := s.next(what)
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		s.t.Fatal(err)
	}
	if !reflect.DeepEqual(got, w) {
		s.t.Errorf("%s: got %v, want %v", what, got, w)
	}
}

// getsNothing says that all that was to come has, which a ping behind it tells.
func (s *socket) getsNothing(what string) {
	s.t.Helper()
	s.says(`{"type":1001}`)
	s.gets(what, `{"type":1002}`)
}

// confirms confirms what comes until the connection ends, and tells the ids.
func (s *socket) confirms(ids chan<- string) {
	for {
		b, _, err := wsutil.ReadServerData(s.conn)
		if err != nil {
			return
		}
		var v struct{ ID string }
		if json.Unmarshal(b, &v) != nil {
			continue
		}
		ids <- v.ID
		if wsutil.WriteClientText(s.conn, []byte(`{"type":200,"data":"`+v.ID+`"}`)) != nil {
			return
		}
	}
}

// closes waits for the end of the connection.
func (s *socket) closes(what string, code ws.StatusCode, reason string) {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	b, _, err := wsutil.ReadServerData(s.conn)
	var closed wsutil.ClosedError
	if !errors.As(err, &closed) || closed.Code != code || closed.Reason != reason {
		s.t.Errorf("%s: %s and %v, want the code %d and %q", what, b, err, code, reason)
	}
}

// TestBachata plays bachata's own scenarios and more, between two edges.
func TestBachata(t *testing.T) { // B-35
	t.Parallel()
	c := startCluster(t, 2, channels()...)
	here, there := c.edges[0], c.edges[1]
	t.Run("pings", func(t *testing.T) {
		s := inChannel(t, here, c.name("ana"))
		s.says(`{"type":1001,"x":1}`)
		s.gets("B-03", `{"type":1002}`)
		if err := wsutil.WriteClientBinary(s.conn, []byte(`{"type":1001}`)); err != nil {
			t.Fatal(err)
		}
		s.gets("B-04", `{"type":1002}`)
		for _, text := range []string{`x`, `[]`, `null`, `{"a":1}`, `{"type":"text","dest":"x","data":"y"}`, `{"type":100,"data":"1"}`, `{"type":300}`, `{"type":1002}`, `{"type":200,"data":"none"}`, `{"type":200}`} {
			s.says(text)
		}
		s.getsNothing("B-12, B-21, B-22, B-23: none of these is answered")
	})
	t.Run("a message and its receipts", func(t *testing.T) { // B-06, B-07, B-09, B-11, B-32
		ana, bob := c.name("Ana Ä"), c.name("bob")
		a, b := inChannel(t, here, ana), inChannel(t, there, bob)
		a.says(`{"id":"7f3a","type":"text","dest":"` + bob + `","time":1760000000000,"data":{"text":"</é"},"more":[null]}`)
		a.gets("it is taken", `{"type":100,"data":"7f3a"}`)
		b.gets("it comes", `{"id":"7f3a","type":"text","dest":"`+bob+`","time":1760000000000,"data":{"text":"</é"},"more":[null]}`)
		a.getsNothing("nothing before it is confirmed")
		inChannel(t, there, c.name("eve")).says(`{"type":200,"data":"7f3a"}`) // B-13
		b.says(`{"type":200,"data":"7f3a"}`)
		a.gets("it is confirmed", `{"type":300,"data":"7f3a"}`)
		b.says(`{"type":200,"data":"7f3a"}`)
		b.says(`{"id":7,"type":55,"dest":"` + ana + `"}`)
		b.gets("B-20: a number, and B-24: another type", `{"type":100,"data":7}`)
		a.gets("it comes", `{"id":7,"type":55,"dest":"`+ana+`"}`)
		a.says(`{"type":200,"data":7}`)
		b.gets("it is confirmed", `{"type":300,"data":7}`)
		a.getsNothing("B-12: the first was confirmed once")
		a.says(`{"id":"8","type":"text","dest":"` + ana + `","data":"mine"}`)
		a.gets("B-25: to oneself", `{"type":100,"data":"8"}`)
		a.gets("it comes", `{"id":"8","type":"text","dest":"`+ana+`","data":"mine"}`)
		a.says(`{"id":"9","type":"text","data":"x"}`)
		a.gets("B-08: to nobody", `{"type":100,"data":"9"}`)
	})
	t.Run("what waits", func(t *testing.T) { // B-14, B-15, B-16, B-17, B-18, B-19
		ana, bob := c.name("ana"), c.name("bob")
		a := inChannel(t, here, ana)
		for _, id := range []string{"1", "2", "3"} {
			a.says(`{"id":"` + id + `","type":"text","dest":"` + bob + `","data":"x` + id + `"}`)
			a.gets("it waits", `{"type":100,"data":"`+id+`"}`)
		}
		b := inChannel(t, there, bob)
		for _, id := range []string{"1", "2", "3"} {
			b.gets("in order", `{"id":"`+id+`","type":"text","dest":"`+bob+`","data":"x`+id+`"}`)
		}
		b.says(`{"type":200,"data":"1"}`)
		a.gets("the first is confirmed", `{"type":300,"data":"1"}`)
		a.conn.Close()
		b.conn.Close()
		b = inChannel(t, here, bob)
		for _, id := range []string{"2", "3"} {
			b.gets("what was not confirmed comes again", `{"id":"`+id+`","type":"text","dest":"`+bob+`","data":"x`+id+`"}`)
			b.says(`{"type":200,"data":"` + id + `"}`)
		}
		a = inChannel(t, there, ana)
		a.gets("while its sender was away", `{"type":300,"data":"2"}`)
		a.gets("while its sender was away", `{"type":300,"data":"3"}`)
		a.conn.Close()
		inChannel(t, here, ana).getsNothing("a confirmation comes once")
	})
	t.Run("sockets share a channel", func(t *testing.T) { // B-30, B-31
		bob := c.name("bob")
		one, two := inChannel(t, here, bob), inChannel(t, there, bob)
		a := inChannel(t, here, c.name("ana"))
		says := func(id string) {
			a.says(`{"id":"` + id + `","type":"text","dest":"` + bob + `","data":"x"}`)
			a.gets("it is taken", `{"type":100,"data":"`+id+`"}`)
		}
		came := map[*socket]chan string{one: make(chan string, 1000), two: make(chan string, 1000)}
		for s, ids := range came {
			go s.confirms(ids)
		}
		confirmed := func() {
			t.Helper()
			if v, _ := a.next("it is confirmed").(map[string]any); v["type"] != float64(300) {
				t.Errorf("got %v", v)
			}
		}
		// Two that have just come may not know of each other: then both get a message.
		shared := map[*socket]bool{}
		for n := 0; len(shared) < 2; n++ {
			says(fmt.Sprint("first ", n))
			confirmed()
			for s, ids := range came {
				select {
				case <-ids:
					shared[s] = true
				default:
				}
			}
		}
		const all = 20
		for i := range all {
			says(fmt.Sprint(i))
			confirmed()
		}
		a.getsNothing("each once")
		got := map[string]int{}
		for _, ids := range came {
			for len(ids) > 0 {
				if id := <-ids; !strings.HasPrefix(id, "first") {
					got[id]++
				}
			}
		}
		if len(got) != all {
			t.Errorf("%d of %d messages came: %v", len(got), all, got)
		}
		for id, n := range got {
			if n != 1 {
				t.Errorf("%s came %d times", id, n)
			}
		}
	})
	t.Run("who may not have a channel", func(t *testing.T) { // B-02, B-28
		openChannel(t, here, "").closes("none is named", 1000, "Error: not authorized for channel access")
		s := inChannel(t, here, c.name("ana"))
		s.says(`{"id":"1","type":"text","dest":"x","data":"` + strings.Repeat("x", 600<<10) + `"}`)
		s.closes("a message that is too long", 1009, "")
	})
	t.Run("clients of LIME", func(t *testing.T) {
		bob := c.name("bob")
		b := inChannel(t, there, bob)
		ana := arrive(t, here, "ana@localhost/x", "")
		ana.wantWritten("to a channel", bob+"@channels.localhost", "hello", 0)
		v, _ := b.next("it comes").(map[string]any)
		if v["data"] != "hello" || v["type"] != "text" || v["from"] != "lime:ana@localhost" {
			t.Errorf("got %v", v)
		}
		b.says(`{"id":"1","type":"text","dest":"lime:ana@localhost","data":"hello yourself"}`)
		ana.wantRead("from a channel", "hello yourself")
		b.gets("it is taken", `{"type":100,"data":"1"}`)
	})
}
