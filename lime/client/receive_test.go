package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

func message(id, more string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{` + id + `"from":"rui@example.org/desk"` + more + `,"type":"text/plain","content":"x"}`
}

// take takes one message by an iterator.
func take(t testing.TB, c *Client) *lime.Message {
	t.Helper()
	for m, err := range c.Messages(within(t)) {
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	t.Fatal("no message")
	return nil
}

// LIME, notifications: received says who has the message, to pp or else from.
func TestReceivedIsSaidWhenTheApplicationTakesAMessage(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		f.says(message("1", `,"to":"`+ana+`"`))
		f.hearsNothing("before it is taken")
		take(t, c)
		f.hears("received", `{"id":"1","to":"rui@example.org/desk","event":"received","from":null}`)

		for what, more := range map[string]string{
			"the identity": `,"to":"ANA@example.org"`, "no address": "", "the node in another case": `,"to":"ana@EXAMPLE.org/HOME"`,
		} {
			f.says(message(what, more))
			take(t, c)
			f.hears(what, `{"id":"`+what+`","event":"received"}`)
		}
		f.says(message("pp", `,"pp":"lia@example.org/web"`))
		take(t, c)
		f.hears("to the delegate", `{"id":"pp","to":"lia@example.org/web","event":"received"}`)

		for what, envelope := range map[string]string{
			"without an id":   message("", ""),
			"for another":     message("2", `,"to":"ana@example.org/work"`),
			"from the server": `{"id":"3","type":"text/plain","content":"x"}`,
		} {
			f.says(envelope)
			take(t, c)
			f.hearsNothing(what)
		}
	})
}

func TestReceiptsCanBeSwitchedOff(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Receipts: ReceiptsOff, Handler: handler(func(context.Context, *Client, *lime.Message) error { return nil })})
		f.says(message("1", ""))
		f.hearsNothing("it is handled, and nothing said")
		m := &lime.Message{ID: "1", From: lime.MustParseNode("rui@example.org/desk")}
		if err := c.Receipt(within(t), m, lime.EventConsumed, nil); err != nil {
			t.Fatal(err)
		}
		f.hears("the application says it", `{"id":"1","to":"rui@example.org/desk","event":"consumed"}`)
	})
}

func TestHandlerIsFollowedByConsumedOrFailed(t *testing.T) {
	for _, when := range []Receipts{ReceiptsAuto, ReceiptsWhenHandled} {
		inMemory(t, func(t *testing.T, p *place) {
			results := make(chan error)
			mux := new(Mux)
			mux.HandleMessage("Text/Plain", func(context.Context, *Client, *lime.Message) error { return <-results })
			_, f := p.session(Config{Handler: mux, Receipts: when})
			for i, tc := range []struct {
				err  error
				want string
			}{
				{nil, `{"event":"consumed","reason":null}`},
				{errors.New("a secret"), `{"event":"failed","reason":{"code":101,"description":"The application could not handle the message"}}`},
				{fmt.Errorf("no room: %w", lime.NewReason(34, "Full")), `{"event":"failed","reason":{"code":34,"description":"Full"}}`},
			} {
				f.says(message(fmt.Sprint(i), ""))
				if when == ReceiptsAuto {
					f.hears("received when it is taken", `{"event":"received"}`)
				}
				f.hearsNothing("while it is handled")
				results <- tc.err
				if when == ReceiptsWhenHandled {
					f.hears("received when it is handled", `{"event":"received"}`)
				}
				f.hears("the end", tc.want)
			}
			f.says(`{"id":"5","from":"rui@x/y","type":"image/png","content":"x"}`)
			f.hears("received", `{"id":"5","event":"received"}`)
			f.hears("nobody takes the type", `{"id":"5","event":"failed","reason":{"code":71,"description":"This client takes no image/png"}}`)
		})
	}
}

// A pong is taken by servers for the proof that the client has what came before the ping.
func TestPongWaitsUntilMessagesAreTaken(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Receipts: ReceiptsOff})
		f.sends(ws.NewPingFrame([]byte("a")))
		f.hearsControl("nothing waits", ws.OpPong, "a")
		f.says(message("1", ""))
		f.sends(ws.NewPingFrame([]byte("b")))
		f.says(message("2", ""))
		f.sends(ws.NewPingFrame([]byte("c")))
		f.says(message("", "")) // which needs no proof
		f.hearsNothing("nothing is taken")
		take(t, c)
		f.hearsControl("the first is taken", ws.OpPong, "b")
		f.hearsNothing("the second is not")
		f.says(`{"id":"ping-7","from":"` + server + `","method":"get","uri":"/ping"}`)
		f.hearsNothing("nor is LIME's ping answered")
		take(t, c)
		f.hearsControl("then", ws.OpPong, "c")
		f.hears("a ping is answered", `{"id":"ping-7","to":"`+server+`","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{},"uri":null}`)
		take(t, c)

		f.says(message("3", ""))
		for i := range 3 * maxHeld {
			f.sends(ws.NewPingFrame([]byte(fmt.Sprint(i))))
		}
		synctest.Wait()
		take(t, c)
		for i := range maxHeld - 1 {
			f.hearsControl("some pings are kept", ws.OpPong, fmt.Sprint(i))
		}
		f.hearsControl("the last among them", ws.OpPong, fmt.Sprint(3*maxHeld-1))
	})
}

// A slow application stops the reading: promise P8 from the other side.
func TestFullQueueStopsTheReading(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Queue: 3, PingInterval: time.Second, IdleTimeout: 2 * time.Second})
		sent := later(func() int {
			for i := range 100 {
				f.says(message(fmt.Sprint(i), ""))
			}
			return 100
		})
		time.Sleep(time.Minute) // far beyond the idle timeout, which is not the server's fault
		synctest.Wait()
		select {
		case <-sent:
			t.Fatal("all was read")
		default:
		}
		if n := len(c.inbox.all); n != 3 {
			t.Errorf("%d wait", n)
		}
		next := 0
		for m, err := range c.Messages(within(t)) {
			if err != nil || m.ID != fmt.Sprint(next) {
				t.Fatalf("%v, %v came for %d", m, err, next)
			}
			if next++; next == 100 {
				break
			}
		}
		<-sent
		for i := range 100 {
			f.hears("a receipt", `{"id":"`+fmt.Sprint(i)+`","event":"received"}`)
		}
		if s := c.Status(); s.State != StateOnline {
			t.Errorf("%+v", s)
		}
	})
}

func TestIteratorEndsWithItsContextAndWithTheClient(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Backoff: Backoff{Tries: -1}})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for _, err := range c.Messages(ctx) {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		f.says(message("1", ""))
		f.says(`{"state":"failed","reason":{"code":11}}`)
		<-c.Done()
		var got []string
		for m, err := range c.Messages(within(t)) {
			if err != nil {
				got = append(got, fmt.Sprint(lime.AsReason(err).Code))
			} else {
				got = append(got, m.ID)
			}
		}
		if fmt.Sprint(got) != "[1 SESSION_ERROR]" {
			t.Error(got)
		}
	})
	inMemory(t, func(t *testing.T, p *place) {
		c, _ := p.session(Config{})
		over := later(func() (n int) {
			for _, err := range c.Messages(within(t)) {
				n++
				t.Error(err)
			}
			return n
		})
		synctest.Wait()
		c.Close()
		if n := <-over; n != 0 {
			t.Errorf("a closed client hands out %d", n)
		}
	})
}

func TestWhatNobodyWantsIsRefusedOrDropped(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{SendOnly: true})
		f.says(message("1", `,"pp":"lia@x/y"`))
		f.hears("a message is refused", `{"id":"1","to":"lia@x/y","event":"failed","reason":{"code":71,"description":"This client takes no messages"}}`)
		f.says(message("", ""))
		f.says(`{"id":"9","from":"rui@x/y","event":"consumed"}`)
		f.says(`{"id":"10","from":"rui@x/y","method":"get","uri":"/weather"}`)
		f.hears("a request is refused", `{"id":"10","to":"rui@x/y","method":"get","status":"failure","reason":{"code":62,"description":"This client does not serve the resource"},"uri":null}`)
		f.says(`{"from":"rui@x/y","method":"get","uri":"/weather"}`)                                       // without an id
		f.says(`{"id":"11","from":"rui@x/y","method":"observe","uri":"/x","type":"a/b","resource":"y"}`)   // never answered
		f.says(`{"id":"12","from":"rui@x/y","method":"get","status":"success","type":"a/b"}`)              // unasked
		f.says(`{"id":"13"}`)                                                                              // of no kind
		f.says(`{"id":"14","from":"a b@c@/d@","type":"text/plain","content":"x","to":"\u0000@","pp":"@"}`) // with no address
		f.hearsNothing("nothing is answered")
		for why, want := range map[DropReason]uint64{DropUnwanted: 7, DropUnasked: 1, DropMalformed: 1, DropDuplicate: 0, DropReceipt: 0} {
			if got := c.Dropped(why); got != want {
				t.Errorf("%d were dropped as %s, not %d", got, why, want)
			}
		}
		if c.Dropped("other") != 0 {
			t.Error("an unknown reason has a count")
		}
	})
}

func TestRequestsOfAnIteratorThatLeavesAreRefused(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		first := later(func() string {
			for r, err := range c.Commands(within(t)) {
				if err != nil {
					return err.Error()
				}
				f.says(`{"id":"2","from":"rui@x/y","method":"get","uri":"/b"}`)
				synctest.Wait()
				if err := c.Respond(within(t), r, &Document{lime.MediaText, []byte(`"sunny"`)}, nil); err != nil {
					return err.Error()
				}
				return r.URI
			}
			return ""
		})
		synctest.Wait()
		f.says(`{"id":"1","from":"rui@x/y","method":"get","uri":"/a"}`)
		if got := <-first; got != "/a" {
			t.Error(got)
		}
		f.hears("the first is answered", `{"id":"1","status":"success","type":"text/plain","resource":"sunny"}`)
		f.hears("the second is refused", `{"id":"2","status":"failure","reason":{"code":62,"description":"This client does not serve the resource"}}`)
	})
}

func TestNotificationsAreHandedOutInOrder(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		got := later(func() (all string) {
			for n, err := range c.Notifications(within(t)) {
				if err != nil {
					return err.Error()
				}
				if all += n.Event.String() + " "; n.Event == lime.EventConsumed {
					return all
				}
			}
			return all
		})
		synctest.Wait()
		for _, event := range []string{"accepted", "DISPATCHED", "received", "consumed"} {
			f.says(`{"id":"1","event":"` + event + `"}`)
		}
		if all := <-got; all != "accepted dispatched received consumed " {
			t.Error(all)
		}
	})
}

func TestMuxChoosesByMethodAndLongestPath(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		mux := new(Mux)
		say := func(text string) CommandHandler {
			return func(context.Context, *Client, *lime.Command) (*Document, error) {
				return NewDocument(lime.MediaText, text)
			}
		}
		mux.HandleCommand(lime.MethodGet, "/weather", say("weather"))
		mux.HandleCommand(lime.MethodGet, "/weather/lisbon/", say("lisbon"))
		mux.HandleCommand(lime.MethodSet, "weather/porto", func(context.Context, *Client, *lime.Command) (*Document, error) {
			return nil, errors.New("a secret")
		})
		mux.HandleCommand(lime.MethodDelete, "/weather", func(context.Context, *Client, *lime.Command) (*Document, error) { return nil, nil })
		mux.HandleCommand(lime.MethodSubscribe, "/weather", func(_ context.Context, c *Client, r *lime.Command) (*Document, error) {
			go func() { _ = c.Respond(c.ctx, r, nil, nil) }() // its answer is what counts
			return nil, ErrLater
		})
		mux.HandleCommand(lime.MethodMerge, "/weather", func(context.Context, *Client, *lime.Command) (*Document, error) {
			return nil, lime.NewReason(lime.CodeCommandNotAllowed, "No")
		})
		_, f := p.session(Config{Handler: mux})
		for _, tc := range []struct{ method, uri, want string }{
			{"get", "/weather", `"status":"success","resource":"weather"`},
			{"get", "/weather?city=porto", `"status":"success","resource":"weather"`},
			{"get", "/Weather/Lisbon", `"status":"success","resource":"lisbon","type":"text/plain"`},
			{"get", "lime://ana@example.org/weather/lisbon/east", `"status":"success","resource":"lisbon"`},
			{"get", "/weather/lisbonne", `"status":"success","resource":"weather"`},
			{"set", "/weather/porto", `"status":"failure","reason":{"code":61,"description":"The command could not be processed"}`},
			{"set", "/weather/lisbon", `"status":"failure","reason":{"code":63,"description":"This client does not serve the method there"}`},
			{"delete", "/weather", `"status":"success","resource":null`},
			{"merge", "/weather", `"status":"failure","reason":{"code":66,"description":"No"}`},
			{"subscribe", "/weather", `"status":"success"`},
			{"get", "/other", `"status":"failure","reason":{"code":62,"description":"This client does not serve the resource"}`},
		} {
			f.says(`{"id":"1","from":"rui@x/y","method":"` + tc.method + `","uri":"` + tc.uri + `"}`)
			f.hears(tc.method+" "+tc.uri, `{"id":"1","to":"rui@x/y","method":"`+tc.method+`",`+tc.want+`}`)
		}
	})
}

func TestHandlerMayWaitForAnAnswer(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		_, f := p.session(Config{Handler: handler(func(ctx context.Context, c *Client, _ *lime.Message) error {
			_, err := c.Command(ctx, &lime.Command{Method: lime.MethodGet, URI: "/x"})
			return err
		})})
		f.says(message("1", ""))
		f.hears("received", `{"event":"received"}`)
		id := f.hears("the request", `{"method":"get","uri":"/x"}`)
		f.says(`{"id":"` + id + `","method":"get","status":"success"}`)
		f.hears("the end", `{"event":"consumed"}`)
	})
}

func TestDuplicatesAreAcknowledgedAgainAndNotHandedOut(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{DuplicateWindow: time.Minute, IdleTimeout: -1, PingInterval: -1})
		takes := func(what, envelope, id string) {
			t.Helper()
			f.says(envelope)
			if m := take(t, c); m.ID != id {
				t.Fatalf("%s: %s came", what, m.ID)
			}
			f.hears(what, `{"id":"`+id+`","event":"received"}`)
		}
		takes("first", message("1", `,"to":"`+ana+`"`), "1")
		f.says(`{"id":"1","from":"RUI@example.org/phone","to":"Ana@example.org/home","type":"text/plain","content":"x"}`)
		f.says(message("2", ""))
		if m := take(t, c); m.ID != "2" {
			t.Errorf("the duplicate %s came", m.ID)
		}
		f.hears("the duplicate is acknowledged", `{"id":"1","event":"received"}`)
		f.hears("and what is behind it", `{"id":"2","event":"received"}`)
		takes("of somebody else", `{"id":"1","from":"lia@example.org/x","to":"`+ana+`","type":"text/plain","content":"x"}`, "1")
		for _, sender := range []string{"rui", "lia"} {
			takes("by way of a group", `{"id":"1","from":"ops@groups.example.org/`+sender+`%40example.org","to":"`+ana+`","type":"text/plain","content":"x"}`, "1")
		}
		f.says(`{"id":"1","from":"ops@groups.example.org/Rui%40example.org","to":"` + ana + `","type":"text/plain","content":"x"}`)
		f.says(message("3", ""))
		if m := take(t, c); m.ID != "3" {
			t.Errorf("the duplicate %s came by way of the group", m.ID)
		}
		f.hears("the group's duplicate is acknowledged", `{"id":"1","event":"received"}`)
		f.hears("and what is behind that", `{"id":"3","event":"received"}`)
		takes("to another address", message("1", `,"to":"ana@example.org"`), "1")
		for range 2 {
			f.says(message("", ""))
			take(t, c) // without an id each is another
		}
		time.Sleep(time.Minute + time.Second)
		takes("much later it is another", message("1", `,"to":"`+ana+`"`), "1")
		if n := c.Dropped(DropDuplicate); n != 2 {
			t.Errorf("%d dropped", n)
		}
	})
}

func TestDuplicatesAreBounded(t *testing.T) {
	d := newDuplicates(time.Hour)
	seen := func(i int) bool {
		var h lime.Header
		if _, err := h.Scan([]byte(message(fmt.Sprint(i), ""))); err != nil {
			t.Fatal(err)
		}
		_, again := d.seen(&h)
		return again
	}
	const n = 5 * maxDuplicates
	for i := range n {
		if seen(i) {
			t.Fatalf("%d was seen before", i)
		}
	}
	if len(d.known) != maxDuplicates || cap(d.ring) > 4*maxDuplicates {
		t.Errorf("%d are known, in a ring of %d", len(d.known), cap(d.ring))
	}
	for i := n - maxDuplicates; i < n; i++ {
		if !seen(i) {
			t.Fatalf("%d is forgotten", i)
		}
	}
	off := newDuplicates(-1)
	var h lime.Header
	_, _ = h.Scan([]byte(message("1", "")))
	for range 2 {
		if _, again := off.seen(&h); again {
			t.Error("duplicates are known that were not to be")
		}
	}
}

// What was forgotten and comes again is remembered from then on.
func TestDuplicateThatWasForgottenIsRememberedAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuplicates(2 * time.Minute)
		var h lime.Header
		if _, err := h.Scan([]byte(message("1", ""))); err != nil {
			t.Fatal(err)
		}
		m, _ := d.seen(&h)
		d.forget(m)
		d.resume()
		time.Sleep(time.Minute)
		if _, again := d.seen(&h); again {
			t.Error("it was forgotten")
		}
		time.Sleep(90 * time.Second)
		if _, again := d.seen(&h); !again {
			t.Error("it is known no more after a minute and a half")
		}
	})
}

// What waits for a client comes before the session is there for everybody, and may have been seen long before.
func TestDuplicatesAreKnownAfterALongTimeWithoutASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window = 2 * time.Minute
		var h lime.Header
		if _, err := h.Scan([]byte(message("1", ""))); err != nil {
			t.Fatal(err)
		}
		for name, outages := range map[string]int{"which was kept by the process before": 1, "of the last session": 2} {
			d := newDuplicates(window)
			wants := func(when string, want bool) {
				t.Helper()
				if _, again := d.seen(&h); again != want {
					t.Errorf("a message %s: %s it is known: %v", name, when, again)
				}
			}
			wants("at first", false)
			for range outages {
				time.Sleep(2 * window)
				wants("in the session that begins", true)
				d.resume()
				time.Sleep(window / 3)
				wants("soon afterwards", true)
				d.pause()
			}
			d.resume()
			time.Sleep(window)
			wants("much later", false)
		}
	})
}
