package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// What was said first in the first session is said first in each.
func TestPresenceAndReceiptAreSetAgainBeforeAnythingElse(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{
			Node: lime.MustParseNode(ana), Presence: &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity},
			Events: lime.EventsOf(lime.EventReceived),
		})
		prepared := func(f *far, presence, events string) {
			t.Helper()
			f.begins(ana)
			id := f.hears("events", `{"method":"set","uri":"/receipt","type":"application/vnd.lime.receipt+json","resource":{"events":`+events+`}}`)
			f.hearsNothing("one after the other")
			f.says(`{"id":"` + id + `","method":"set","status":"success"}`)
			id = f.hears("presence", `{"method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":`+presence+`}`)
			f.hearsNothing("nothing overtakes it")
			f.says(`{"id":"` + id + `","method":"set","status":"success"}`)
		}
		f := p.accept()
		prepared(f, `{"status":"available","routingRule":"identity"}`, `["accepted","received","failed"]`)
		c := d.get()
		f.conn.Close()
		synctest.Wait()
		sent := later(func() error { return c.Send(within(t), text("1", "x")) })
		f = p.accept()
		prepared(f, `{"status":"available","routingRule":"identity"}`, `["accepted","received","failed"]`)
		f.hears("then", `{"id":"1"}`)
		if err := <-sent; err != nil {
			t.Error(err)
		}

		// What is changed is kept, but for what is refused.
		set := func(do func() error, answer string, want error) {
			t.Helper()
			err := later(do)
			id := f.hears("a change", `{"method":"set"}`)
			f.says(`{"id":"` + id + `","method":"set",` + answer + `}`)
			if got := <-err; !errors.Is(got, want) {
				t.Error(got)
			}
		}
		set(func() error { return c.SetPresence(within(t), lime.Presence{Status: lime.StatusBusy}) }, `"status":"success"`, nil)
		set(func() error {
			return c.SetPresence(within(t), lime.Presence{Status: lime.StatusAway, RoutingRule: lime.RouteDomain})
		},
			`"status":"failure","reason":{"code":66}`, &lime.Reason{Code: 66})
		set(func() error { return c.SetEvents(within(t), 0) }, `"status":"success"`, nil)
		f.conn.Close()
		prepared(p.accept(), `{"status":"busy"}`, `["accepted","dispatched","received","consumed","failed"]`)
	})
}

// A handler may give up before Dial has returned.
func TestHandlerMayCloseTheClientThatIsDialled(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{
			Presence: &lime.Presence{Status: lime.StatusAvailable},
			Handler: handler(func(_ context.Context, c *Client, _ *lime.Message) error {
				c.Close()
				<-c.supervised
				return nil
			}),
		})
		f := p.accept()
		f.begins(ana)
		f.hears("presence", `{"method":"set","uri":"/presence"}`)
		began := time.Now()
		f.says(message("1", ""))
		if err := d.refused(); !errors.Is(err, context.Canceled) || time.Since(began) != 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		f.ends()
	})
}

func TestRefusedPresenceIsTheErrorOfTheDial(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{Presence: &lime.Presence{Status: lime.StatusAvailable}})
		f := p.accept()
		f.begins(ana)
		id := f.hears("presence", `{"method":"set","uri":"/presence"}`)
		f.says(`{"id":"` + id + `","method":"set","status":"failure","reason":{"code":64}}`)
		if err := d.refused(); !errors.Is(err, &lime.Reason{Code: 64}) {
			t.Error(err)
		}
		f.ends()
	})
}

// What comes between presence and the end of the preparation is acknowledged, too.
func TestMessagesOfTheFirstMomentAreHandled(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{
			Presence: &lime.Presence{Status: lime.StatusAvailable},
			Handler:  handler(func(context.Context, *Client, *lime.Message) error { return nil }),
		})
		f := p.accept()
		f.begins(ana)
		id := f.hears("presence", `{"method":"set","uri":"/presence"}`)
		f.says(message("1", ""))
		f.hears("received", `{"id":"1","event":"received"}`)
		f.hears("consumed", `{"id":"1","event":"consumed"}`)
		f.says(`{"id":"` + id + `","method":"set","status":"success"}`)
		d.get()
	})
}

// An accepted that the application has not asked for is heard by publications alone.
func TestAcceptedIsHeardForPublicationsAlone(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{Events: lime.EventsOf(lime.EventConsumed)})
		f := p.accept()
		f.begins(ana)
		id := f.hears("events", `{"method":"set","uri":"/receipt"}`)
		f.says(`{"id":"` + id + `","method":"set","status":"success"}`)
		c := d.get()
		got := later(func() lime.Event {
			for n, err := range c.Notifications(within(t)) {
				if err == nil {
					return n.Event
				}
			}
			return 0
		})
		one := c.publishes(t, "1")
		f.hears("the message", `{"id":"1"}`)
		synctest.Wait()
		f.says(`{"id":"1","event":"accepted"}`)
		f.says(`{"id":"1","from":"rui@example.org/desk","event":"consumed"}`)
		if e := <-got; e != lime.EventConsumed {
			t.Errorf("%s came first", e)
		}
		if err := one.Wait(within(t)); err != nil {
			t.Error(err)
		}
	})
}

// Nonsense costs the session that it comes in, and nothing else.
func TestNonsenseEndsTheSession(t *testing.T) {
	for _, tc := range []struct {
		name string
		says func(f *far)
		last string // a Close frame's code
	}{
		{"broken JSON", func(f *far) { f.says(`{"id":}`) }, "\x03\xea"},
		{"no object", func(f *far) { f.says(`[]`) }, "\x03\xea"},
		{"no UTF-8", func(f *far) { f.says("{\"content\":\"\xff\"}") }, "\x03\xea"},
		{"too deep", func(f *far) { f.says(`{"content":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[`) }, ""},
		{"established again", func(f *far) { f.says(`{"state":"established"}`) }, "\x03\xea"},
		{"back to negotiating", func(f *far) { f.says(`{"state":"negotiating"}`) }, "\x03\xea"},
		{"too long", func(f *far) { f.says(`{"content":"` + fmt.Sprintf("%02000d", 0) + `"}`) }, "\x03\xf1"},
		{"a masked frame", func(f *far) { f.sends(ws.MaskFrame(ws.NewTextFrame([]byte("{}")))) }, "\x03\xea"},
		{"a frame with bits of extensions", func(f *far) { f.writes("\xf1\x00") }, "\x03\xea"},
		{"a continuation of nothing", func(f *far) { f.writes("\x80\x00") }, "\x03\xea"},
		{"an unknown frame", func(f *far) { f.writes("\x83\x00") }, "\x03\xea"},
		{"a frame of a negative length", func(f *far) { f.writes("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff") }, ""},
		{"a ping that is too long", func(f *far) { f.writes("\x89\x7e\x00\xff") }, "\x03\xea"},
		{"a close", func(f *far) { f.sends(ws.NewCloseFrame(ws.NewCloseFrameBody(1011, ""))) }, ""},
		{"a close without a word", func(f *far) { f.sends(ws.NewCloseFrame(nil)) }, ""},
		{"the end", func(f *far) { f.conn.Close() }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, p *place) {
				_, f := p.session(Config{MaxEnvelope: 1000})
				go func() {
					tc.says(f)
					if tc.name == "too deep" {
						f.conn.Close()
					}
				}()
				if last := f.ends(); tc.last != "" && last != "8:"+tc.last {
					t.Errorf("the last word is %q", last)
				}
				p.accept().begins(ana)
			})
		})
	}
}

func TestHalfOpenConnectionIsNoticed(t *testing.T) {
	for _, url := range []string{"ws://server/", "net.tcp://server"} {
		inMemory(t, func(t *testing.T, p *place) {
			accept := func() *far {
				if url == "ws://server/" {
					return p.accept()
				}
				return p.acceptTCP()
			}
			d := p.client(url, Config{PingInterval: 10 * time.Second, IdleTimeout: 25 * time.Second})
			f := accept()
			f.begins(ana)
			d.get()
			began := time.Now()
			for range 3 { // a server that answers lives
				if url == "ws://server/" {
					f.hearsControl("a ping", ws.OpPing, "")
					f.sends(ws.NewPongFrame(nil))
				} else {
					id := f.hears("a ping", `{"id":"*","method":"get","uri":"/ping"}`)
					f.says(`{"id":"` + id + `","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{}}`)
				}
			}
			if after := time.Since(began); after != 30*time.Second {
				t.Errorf("three pings in %s", after)
			}
			for range 5 { // and so does one that says anything
				time.Sleep(9 * time.Second)
				f.says(`{"id":"1","from":"x@y/z","event":"received"}`)
			}
			f.hearsNothing("no ping")
			began = time.Now()
			f.ends()
			if after := time.Since(began); after != 25*time.Second {
				t.Errorf("%s: noticed after %s", url, after)
			}
			accept()
		})
	}
}

// A server whose system takes nothing any more is noticed by who writes.
func TestServerThatReadsNothingIsNoticed(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{PingInterval: -1, IdleTimeout: 25 * time.Second})
		f.stalled.Store(true)
		over := later(func() (n int) {
			for ; c.Status().State == StateOnline; n++ {
				time.Sleep(time.Second)
				f.says(`{"id":"1","from":"x@y/z","event":"received"}`)
			}
			return n
		})
		for range 2 { // the first is read
			if err := c.Send(within(t), text("", "x")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		began := time.Now()
		p.accept()
		if after := time.Since(began); after < 24*time.Second || after > 27*time.Second {
			t.Errorf("noticed after %s", after)
		}
		<-over
	})
}

// What waits for the application when a session is lost is handed out once, in order, and
// acknowledged in the next.
func TestQueuedMessagesOutliveTheirSession(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		for _, id := range []string{"1", "2", "3"} {
			f.says(message(id, ""))
		}
		take(t, c)
		f.hears("the first", `{"id":"1","event":"received"}`)
		f.conn.Close()
		f = p.accept()
		f.begins(ana)
		synctest.Wait()
		for _, id := range []string{"1", "2", "3", "4"} { // the receipt was lost
			f.says(message(id, ""))
		}
		var got []string
		for m, err := range c.Messages(within(t)) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, m.ID); m.ID == "4" {
				break
			}
		}
		if !slices.Equal(got, []string{"2", "3", "4"}) {
			t.Errorf("%q came", got)
		}
		var said []string
		for text := range drained(f) {
			for _, id := range []string{"1", "2", "3", "4"} {
				if match(text, `{"id":"`+id+`","event":"received"}`) == nil {
					said = append(said, id)
				}
			}
		}
		if !slices.Equal(said, []string{"2", "3", "1", "2", "3", "4"}) {
			t.Errorf("%q are acknowledged", said)
		}
	})
}

// What a session's end has kept out of the queue comes again and is no duplicate.
func TestMessageThatFoundNoRoomComesAgain(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Queue: 1})
		f.says(message("1", ""))
		f.says(message("2", ""))
		synctest.Wait() // the second waits for room
		c.online().end(errors.New("lost"), 0)
		f = p.accept()
		f.begins(ana)
		go func() {
			f.says(message("1", ""))
			f.says(message("2", ""))
		}()
		for _, want := range []string{"1", "2"} {
			if m := take(t, c); m.ID != want {
				t.Errorf("%s came for %s", m.ID, want)
			}
		}
	})
}

// Who knows that there is a network again need not wait for the pause to end.
func TestAPauseEndsWhenTheProgramSaysSo(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, err := Start("ws://nobody/", Config{NetDial: p.dial, Backoff: Backoff{First: time.Hour, Last: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			c.Close()
			<-c.Done()
		}()
		began := time.Now()
		tries := func(what string, want int64) {
			t.Helper()
			synctest.Wait()
			if got := p.dials.Load(); got != want || time.Since(began) != 0 {
				t.Errorf("%s: %d tries after %s, want %d", what, got, time.Since(began), want)
			}
		}
		tries("by itself", 0)
		c.Retry()
		tries("the first pause", 1)
		tries("another pause follows", 1)
		c.Retry()
		c.Retry()
		tries("one for two wishes at once", 2)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := p.dials.Load(); got != 3 {
			t.Errorf("%d tries after an hour", got)
		}
	})
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{Backoff: Backoff{First: time.Hour, Last: time.Hour}})
		f := p.accept()
		f.begins(ana)
		c := d.get()
		c.Retry() // nothing is to be ended
		f.conn.Close()
		synctest.Wait()
		if got := p.dials.Load(); got != 1 {
			t.Errorf("a wish of before the loss has made it %d tries", got)
		}
	})
}
