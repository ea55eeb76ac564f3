package e2e

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// TestBachataInSimpleMode, where the server says who has sent what, between two edges.
func TestBachataInSimpleMode(t *testing.T) {
	t.Parallel()
	c := startChannels(t, 2, nil, "-bachata-simple", "-bachata-set-from", "-ping-interval", "300ms")
	here, there := c.edges[0], c.edges[1]
	t.Run("a ping", func(t *testing.T) { // B-35
		s := inChannel(t, here, c.name("ana"))
		s.says(`{"type":1001}`)
		s.gets("B-03", `{"type":1002}`)
	})
	t.Run("nothing is confirmed", func(t *testing.T) { // B-10, B-26, B-35
		ana, bob := c.name("Ana"), c.name("bob")
		a, b := inChannel(t, here, ana), inChannel(t, there, bob)
		a.says(`{"id":"1","type":"text","dest":"` + bob + `","data":"x","from":"me"}`)
		a.gets("it is taken", `{"type":100,"data":"1"}`)
		b.gets("B-10: it says who has sent it", `{"id":"1","type":"text","dest":"`+bob+`","data":"x","from":"`+ana+`"}`)
		a.says(`{"id":2,"type":"text","dest":"` + bob + `","data":{"a":1}}`)
		a.gets("it is taken", `{"type":100,"data":2}`)
		b.gets("B-10: whoever has said nothing of it", `{"id":2,"type":"text","dest":"`+bob+`","data":{"a":1},"from":"`+ana+`"}`)
		b.says(`{"type":200,"data":"1"}`)
		b.says(`{"type":200,"data":2}`)
		b.says(`{"id":"3","type":"text","dest":"` + ana + `","data":"behind them"}`)
		b.gets("it is taken", `{"type":100,"data":"3"}`)
		a.gets("B-26: no 300 before what was said behind 200", `{"id":"3","type":"text","dest":"`+ana+`","data":"behind them","from":"`+bob+`"}`)
		a.getsNothing("B-26: nor later")
	})
	t.Run("nothing waits", func(t *testing.T) {
		bob := c.name("bob")
		a := inChannel(t, here, c.name("ana"))
		a.says(`{"id":"1","type":"text","dest":"` + bob + `","data":"x"}`)
		a.gets("B-08: nobody is there", `{"type":100,"data":"1"}`)
		inChannel(t, there, bob).getsNothing("who comes later")
	})
	t.Run("one of two sockets closes", func(t *testing.T) { oneOfTwoCloses(t, c) })
	t.Run("the server asks by pings of its own", func(t *testing.T) { // B-05
		s := inChannel(t, here, c.name("ana"))
		for range 3 {
			must(t, s.conn.SetReadDeadline(time.Now().Add(patience)))
			head, err := ws.ReadHeader(s.conn)
			if err != nil || head.OpCode != ws.OpPing || head.Length > ws.MaxControlFramePayloadSize {
				t.Fatalf("who is silent gets %+v, %v", head, err)
			}
			payload := make([]byte, head.Length)
			_, err = io.ReadFull(s.conn, payload)
			must(t, err)
			must(t, wsutil.WriteClientMessage(s.conn, ws.OpPong, payload))
		}
		s.getsNothing("who was pinged")
	})
}

// TestBachataInFanoutMode, where all sockets of a channel get all: B-31.
func TestBachataInFanoutMode(t *testing.T) {
	t.Parallel()
	c := startChannels(t, 2, nil, "-bachata-mode", "fanout")
	here, there := c.edges[0], c.edges[1]
	ana, bob := c.name("ana"), c.name("bob")
	a := inChannel(t, here, ana)
	sockets := []*socket{inChannel(t, here, bob), inChannel(t, here, bob), inChannel(t, there, bob)}
	for i := range 9 {
		a.says(fmt.Sprintf(`{"id":"%d","type":"text","dest":%q,"data":"x"}`, i, bob))
		a.gets("it is taken", fmt.Sprintf(`{"type":100,"data":"%d"}`, i))
		for _, s := range sockets {
			s.gets("all get it", fmt.Sprintf(`{"id":"%d","type":"text","dest":%q,"data":"x"}`, i, bob))
		}
		for n := range sockets { // each is the first once
			sockets[(i+n)%len(sockets)].says(fmt.Sprintf(`{"type":200,"data":"%d"}`, i))
			if n == 0 {
				a.gets("the first confirms", fmt.Sprintf(`{"type":300,"data":"%d"}`, i))
			}
		}
	}
	for i, s := range sockets {
		s.says(fmt.Sprintf(`{"id":"last-%d","type":"text","dest":%q,"data":"x"}`, i, ana))
	}
	for range sockets {
		if v, _ := a.next("what was said behind all of it").(map[string]any); v["type"] != "text" {
			t.Errorf("another one has confirmed, too: %v", v)
		}
	}
	a.getsNothing("nor does any later")
}

// oneOfTwoCloses of a channel, which the other one does not notice: B-29, B-30.
func oneOfTwoCloses(t *testing.T, c *cluster) {
	at, bob := c.edges[0], c.name("bob")
	a, stays := inChannel(t, at, c.name("ana")), inChannel(t, at, bob)
	a.says(`!`)
	a.getsNothing("B-29: nobody answers it")
	for i, how := range []func(*socket){
		func(s *socket) {
			must(t, wsutil.WriteClientMessage(s.conn, ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))
			s.closes("it is over", ws.StatusNormalClosure, "")
		},
		func(s *socket) { s.conn.Close() },
	} {
		how(inChannel(t, at, bob))
		stays.getsNothing("B-29: no frame for it")
		if i > 0 {
			break // its edge may not have noticed
		}
		for _, id := range []string{"1", "2"} {
			a.says(`{"id":"` + id + `","type":"text","dest":"` + bob + `","data":"!"}`)
			a.gets("it is taken", `{"type":100,"data":"`+id+`"}`)
			if got, _ := stays.next("B-30: it goes on").(map[string]any); got["id"] != id || got["data"] != "!" {
				t.Errorf("B-30: got %v", got)
			}
		}
	}
}
