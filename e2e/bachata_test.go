package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/gobwas/ws/wsutil"

	"limegrove/lime"
)

// startChannels starts a router and edges that serve bachata to anybody; shared are flags of
// all, more are flags of the edges.
func startChannels(t *testing.T, edges int, shared []string, more ...string) *cluster {
	t.Helper()
	broker := startNATS(t)
	c := &cluster{nats: broker, broker: broker.url, settings: append([]string{"-domain", domain, "-domain", "channels.localhost"}, shared...)}
	c.start(t, edges, append([]string{"-bachata", "/messages", "-bachata-domain", "channels.localhost", "-bachata-auth", "open"}, more...)...)
	return c
}

// openChannel connects to a channel, and reads nothing yet.
func openChannel(t *testing.T, at *edge, channel string) *socket {
	t.Helper()
	return dialSocket(t, at.url, "messages?channel="+url.QueryEscape(channel), nil)
}

// inChannel connects to a channel that is ready.
func inChannel(t *testing.T, at *edge, channel string) *socket {
	t.Helper()
	s := openChannel(t, at, channel)
	s.gets("B-01: it is ready", `{"type":1000}`)
	return s
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

// TestBachata plays bachata's own scenarios and more, between two edges.
func TestBachata(t *testing.T) { // B-35
	t.Parallel()
	c := startChannels(t, 2, nil)
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
		eve := inChannel(t, there, c.name("eve"))
		eve.says(`{"type":200,"data":"7f3a"}`)
		eve.says(`{"id":"e","type":"text","dest":"` + ana + `","data":"behind it"}`)
		a.gets("B-13: nothing comes of somebody else's", `{"id":"e","type":"text","dest":"`+ana+`","data":"behind it"}`)
		a.getsNothing("B-13: nor later")
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
	t.Run("what a message says of its sender", func(t *testing.T) { // B-10
		bob := c.name("bob")
		a, b := inChannel(t, here, c.name("ana")), inChannel(t, there, bob)
		for id, more := range []string{``, `,"from":"me"`, `,"from":null`} {
			text := fmt.Sprintf(`{"id":%d,"type":"text","dest":%q,"data":"x"%s}`, id, bob, more)
			a.says(text)
			a.next("it is taken")
			b.gets("it is as it was", text)
		}
	})
	registry := openRegistrations(t, c)
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
		eventually(t, "the receiver's edge has told what was confirmed", patience, func() error {
			view, err := registry.store.View(t.Context(), lime.Identity{Name: bob, Domain: "channels.localhost"})
			if err == nil && len(view.Registrations) > 0 {
				err = fmt.Errorf("there are %d sockets", len(view.Registrations))
			}
			return err
		})
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
	t.Run("one of two sockets closes", func(t *testing.T) { oneOfTwoCloses(t, c) })
	t.Run("what the server itself says", func(t *testing.T) { // B-34
		platform := c.startBackend(t, "router-2")
		ana, bob := c.name("ana"), c.name("bob")
		a, b := inChannel(t, here, ana), inChannel(t, there, bob)
		for id, row := range map[string]struct{ body, comes string }{
			"a text": {`"type":"text/plain","content":"x"`, `"type":"text","data":"x"`},
			"a message": {
				`"type":"application/vnd.bachata.message+json","content":{"id":"a message","type":7,"dest":"` + bob + `","more":[1]}`, `"type":7,"more":[1]`,
			},
			"in a name": {`"type":"text/plain","content":"x","from":"` + ana + `@channels.localhost"`, `"type":"text","data":"x"`},
		} {
			answer := platform.begins("/v1/messages", `{"id":"`+id+`","to":"`+bob+`@channels.localhost","domain":"channels.localhost","wait":"received",`+row.body+`}`)
			b.gets("it comes", `{"id":"`+id+`","dest":"`+bob+`",`+row.comes+`}`)
			b.says(`{"type":200,"data":"` + id + `"}`)
			if said := answer("the server hears that it was confirmed", 200); said.body["event"] != "received" {
				t.Errorf("it hears %s", said.text)
			}
			b.getsNothing("and the receiver nothing")
			a.getsNothing("nor another channel")
		}
		inChannel(t, here, "postmaster").getsNothing("not even one with the server's name")
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
