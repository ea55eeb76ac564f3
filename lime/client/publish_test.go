package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

func (c *Client) publishes(t testing.TB, id string) *Publication {
	t.Helper()
	one, err := c.PublishAsync(within(t), text(id, "x"))
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func TestPublishReturnsWhenTheMessageIsStored(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		for _, tc := range []struct {
			answer string
			want   error
		}{
			{`"event":"accepted"`, nil},
			{`"from":"` + server + `","event":"accepted"`, nil},
			{`"from":"postmaster@example.org/#srv2","event":"dispatched"`, nil},
			{`"from":"rui@EXAMPLE.org/desk","event":"received"`, nil}, // overtakes accepted
			{`"from":"` + server + `","event":"failed","reason":{"code":33}`, &lime.Reason{Code: 33}},
			{`"from":"rui@example.org/desk","event":"failed","reason":{"code":101}`, &lime.Reason{Code: 101}},
			{`"event":"failed"`, &lime.Reason{Code: 1}},
		} {
			err := later(func() error { return c.Publish(within(t), text("", "x")) })
			id := f.hears("the message", `{"id":"*","to":"rui@example.org/desk","type":"text/plain","content":"x","metadata":null}`)
			f.says(`{"id":"` + id + `",` + tc.answer + `}`)
			if got := <-err; !errors.Is(got, tc.want) {
				t.Errorf("%s gives %v", tc.answer, got)
			}
		}
	})
}

// Only the server and the recipient can say what became of a message.
func TestStrangersDoNotAnswer(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		one := c.publishes(t, "1")
		f.hears("the message", `{"id":"1"}`)
		for _, answer := range []string{
			`"from":"eve@example.org/x","event":"accepted"`, `"from":"eve@example.org/x","event":"received"`,
			`"from":"eve@example.org/x","event":"failed","reason":{"code":51}`, `"from":"rui@example.org/desk","event":"accepted"`,
			`"from":"` + server + `","event":"received"`,
		} {
			f.says(`{"id":"1",` + answer + `}`)
			synctest.Wait()
			select {
			case <-one.Done():
				t.Fatalf("%s is an answer: %v", answer, one.Err())
			default:
			}
		}
		f.says(`{"id":"1","event":"accepted"}`)
		if err := one.Wait(within(t)); err != nil || one.ID() != "1" || one.Err() != nil {
			t.Error(err)
		}
	})
}

func TestUnansweredMessageIsSentAgainInOrder(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{ResendAfter: 10 * time.Second, MaxResends: 2, PingInterval: -1, IdleTimeout: -1})
		var all []*Publication
		for i := range 3 {
			all = append(all, c.publishes(t, fmt.Sprint(i)))
			f.hears("at once", `{"id":"`+fmt.Sprint(i)+`","metadata":null}`)
			time.Sleep(time.Second)
		}
		f.says(`{"id":"1","event":"accepted"}`)
		f.hearsNothing("they wait")
		time.Sleep(9 * time.Second)
		f.hears("the first again", `{"id":"0","metadata":{"#resentCount":"1"},"content":"x"}`)
		f.hears("the third again", `{"id":"2","metadata":{"#resentCount":"1"}}`)
		time.Sleep(10 * time.Second)
		f.hears("the first again", `{"id":"0","metadata":{"#resentCount":"2"}}`)
		f.hears("the third again", `{"id":"2","metadata":{"#resentCount":"2"}}`)
		f.says(`{"id":"2","event":"accepted"}`)
		for i, want := range []error{ErrUnanswered, nil, nil} {
			if err := all[i].Wait(within(t)); !errors.Is(err, want) {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

// What the server could not store, 51, goes again before anything newer.
func TestMessageThatCouldNotBeStoredIsSentAgainFirst(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		all := []*Publication{c.publishes(t, "0"), c.publishes(t, "1"), c.publishes(t, "2")}
		for i := range 3 {
			f.hears("at once", `{"id":"`+fmt.Sprint(i)+`"}`)
		}
		f.says(`{"id":"0","event":"failed","reason":{"code":51}}`)
		f.says(`{"id":"2","event":"failed","reason":{"code":51}}`)
		f.says(`{"id":"1","event":"accepted"}`)
		all = append(all, c.publishes(t, "3"))
		f.hearsNothing("a pause")
		time.Sleep(firstPause)
		f.hears("first again", `{"id":"0","metadata":{"#resentCount":"1"}}`)
		f.hears("then the other", `{"id":"2","metadata":{"#resentCount":"1"}}`)
		f.hears("then the new one", `{"id":"3","metadata":null}`)
		for _, id := range []string{"0", "2", "3"} {
			f.says(`{"id":"` + id + `","event":"accepted"}`)
		}
		for _, one := range all {
			if err := one.Wait(within(t)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestMessagesGoAgainInTheNextSessionBeforeNewOnes(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{InFlight: 4})
		all := []*Publication{c.publishes(t, "0"), c.publishes(t, "1"), c.publishes(t, "2")}
		for i := range 3 {
			f.hears("at once", `{"id":"`+fmt.Sprint(i)+`"}`)
		}
		f.says(`{"id":"1","event":"accepted"}`)
		synctest.Wait()
		f.conn.Close()
		synctest.Wait()
		all = append(all, c.publishes(t, "3"), c.publishes(t, "4")) // with no session
		full := later(func() error { return c.Publish(within(t), text("5", "x")) })
		ctx, cancel := context.WithCancel(context.Background())
		given := later(func() error { return c.Publish(ctx, text("6", "x")) })
		synctest.Wait()
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("a publication without room and with a context that ends: %v", err)
		}
		again := p.accept()
		again.begins(ana)
		for i, id := range []string{"0", "2", "3", "4"} {
			want := `{"id":"` + id + `","metadata":null}`
			if i < 2 {
				want = `{"id":"` + id + `","metadata":{"#resentCount":"1"}}`
			}
			again.hears("in order", want)
		}
		again.hearsNothing("four are in flight")
		again.says(`{"id":"0","event":"accepted"}`)
		again.hears("there is room", `{"id":"5"}`)
		for _, id := range []string{"2", "3", "4", "5"} {
			again.says(`{"id":"` + id + `","event":"accepted"}`)
		}
		for _, one := range all {
			if err := one.Wait(within(t)); err != nil {
				t.Error(err)
			}
		}
		if err := <-full; err != nil {
			t.Error(err)
		}
	})
}

func TestContextGivesAPublicationUp(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		ctx, cancel := context.WithCancel(context.Background())
		one, err := c.PublishAsync(ctx, text("1", "x"))
		if err != nil {
			t.Fatal(err)
		}
		f.hears("the message", `{"id":"1"}`)
		if _, err := c.PublishAsync(ctx, text("1", "x")); !errors.Is(err, ErrID) {
			t.Errorf("its id is used twice: %v", err)
		}
		short, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		if err := one.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		cancel()
		if err := one.Wait(within(t)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		for text := range drained(f) {
			if strings.Contains(text, `"1"`) {
				t.Errorf("it is sent again: %s", text)
			}
		}
	})
}

// drained is what has come so far.
func drained(f *far) func(func(string) bool) {
	return func(yield func(string) bool) {
		synctest.Wait()
		for len(f.in) > 0 {
			if !yield(<-f.in) {
				return
			}
		}
	}
}

func TestBrokenEnvelopesCostNothing(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{MaxSend: 1000})
		ctx := within(t)
		for _, tc := range []struct {
			what    string
			content string
			want    error
		}{
			{"no JSON", `hello`, lime.ErrMalformed},
			{"half a JSON", `{"a":`, lime.ErrMalformed},
			{"JSON that ends the envelope", `"a"},{"id":"2"`, lime.ErrMalformed},
			{"a second state", `"a","state":"finishing"`, lime.ErrMalformed},
			{"too long", `"` + strings.Repeat("x", 1000) + `"`, ErrTooLong},
			{"no UTF-8", "\"\xff\"", lime.ErrMalformed},
		} {
			m := text("1", "x")
			m.Content = []byte(tc.content)
			for how, err := range map[string]error{"Send": c.Send(ctx, m), "Publish": c.Publish(ctx, m)} {
				if !errors.Is(err, tc.want) {
					t.Errorf("%s: %s gives %v", how, tc.what, err)
				}
			}
		}
		if err := c.Send(ctx, &lime.Session{State: lime.StateFinishing}); !errors.Is(err, errKind) {
			t.Errorf("a session envelope: %v", err)
		}
		f.hearsNothing("none is sent")
		if err := c.Send(ctx, text("2", "fine")); err != nil {
			t.Error(err)
		}
		f.hears("the session goes on", `{"id":"2"}`)
	})
}

func TestCommandIsAnsweredByItsID(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		type result struct {
			r   *lime.Command
			err error
		}
		ask := func(id, uri string) <-chan result {
			return later(func() result {
				r, err := c.Command(within(t), &lime.Command{ID: id, Method: lime.MethodGet, URI: uri})
				return result{r, err}
			})
		}
		a := ask("", "/a")
		first := f.hears("a", `{"id":"*","method":"get","uri":"/a"}`)
		b := ask("b", "/b")
		f.hears("b", `{"id":"b","method":"get","uri":"/b"}`)
		if got := <-ask("b", "/b"); !errors.Is(got.err, ErrID) {
			t.Errorf("an id that waits: %v", got.err)
		}
		f.says(`{"id":"b","method":"get","status":"success","type":"text/plain","resource":"B"}`)
		f.says(`{"id":"` + first + `","method":"get","status":"failure","reason":{"code":67}}`)
		f.says(`{"id":"` + first + `","method":"get","status":"success"}`) // too late
		if got := <-a; !errors.Is(got.err, &lime.Reason{Code: 67}) || got.r.Status != lime.CommandFailure {
			t.Errorf("%+v", got)
		}
		if got := <-b; got.err != nil || string(got.r.Resource) != `"B"` {
			t.Errorf("%+v", got)
		}
		lost := ask("c", "/c")
		f.hears("c", `{"id":"c"}`)
		f.conn.Close()
		if got := <-lost; !errors.Is(got.err, ErrLost) {
			t.Errorf("%+v", got)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if _, err := c.Command(ctx, &lime.Command{Method: lime.MethodGet, URI: "/x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a session: %v", err)
		}
		if n := c.Dropped(DropUnasked); n != 1 {
			t.Errorf("%d responses were dropped", n)
		}
	})
}

// Who has seen one of a client's ids can guess the next.
func TestResponsesOfStrangersAreNone(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		for _, row := range []struct{ to, stranger, answers string }{
			{"", "eve@example.org/x", server},
			{"", "eve@example.org/x", ""},
			{"", "rui@example.org/desk", "postmaster@example.org"},
			{"rui@example.org/desk", "eve@example.org/x", "rui@example.org/desk"},
			{"rui", "rui@else.example/desk", "Rui@Example.org/2"},
			{"rui@example.org/desk", "rui@else.example/desk", server},
			{"ops@groups.example.org/rui%40example.org", "eve@example.org/x", "rui@example.org/desk"},
		} {
			request := &lime.Command{Method: lime.MethodGet, URI: "/a"}
			if row.to != "" {
				request.To = lime.MustParseNode(row.to)
			}
			answer := later(func() string {
				r, err := c.Command(within(t), request)
				if err != nil {
					return err.Error()
				}
				return string(r.Resource)
			})
			id := f.hears("the request", `{"id":"*","uri":"/a"}`)
			f.says(`{"id":"` + id + `","from":"` + row.stranger + `","method":"get","status":"success","type":"text/plain","resource":"false"}`)
			from := ""
			if row.answers != "" {
				from = `"from":"` + row.answers + `",`
			}
			f.says(`{"id":"` + id + `",` + from + `"method":"get","status":"success","type":"text/plain","resource":"true"}`)
			if got := <-answer; got != `"true"` {
				t.Errorf("asked of %q, %q answers, and %s is taken", row.to, row.stranger, got)
			}
		}
		if n := c.Dropped(DropUnasked); n != 7 {
			t.Errorf("%d responses were dropped", n)
		}
	})
}

// A server that does not read stops who sends, and not more than that is kept.
func TestSendWaitsForRoom(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{SendQueue: 1000, IdleTimeout: -1, PingInterval: -1})
		f.stalled.Store(true)
		ctx, cancel := context.WithCancel(context.Background())
		sent := later(func() (n int) {
			for c.Send(ctx, text("", "x")) == nil {
				n++
			}
			return n
		})
		synctest.Wait()
		if n := len(c.online().out.buf); n < 1000 || n > 1200 {
			t.Errorf("%d bytes wait", n)
		}
		cancel()
		n := <-sent
		f.goOn()
		synctest.Wait()
		if got := len(f.in); got != n {
			t.Errorf("%d were sent, and %d have come", n, got)
		}
	})
}

// A server that asks and asks and does not read the answers is given up.
func TestUnreadAnswersAreBounded(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{SendQueue: 1000, IdleTimeout: -1, PingInterval: -1, Backoff: Backoff{Tries: -1}})
		f.stalled.Store(true)
		go func() {
			for range 1000 {
				f.says(`{"id":"1","from":"x@y/z","method":"get","uri":"/ping"}`)
			}
		}()
		<-c.Done()
		if err := c.Err(); !errors.Is(err, errUnread) {
			t.Error(err)
		}
	})
}

// A server drops or refuses what is above its rate, so it is not sent.
func TestRateIsKept(t *testing.T) {
	for what, cfg := range map[string]Config{
		"envelopes": {Rate: 10, ByteRate: -1, PingInterval: -1, IdleTimeout: -1},
		"bytes":     {Rate: -1, ByteRate: 10 * (len(text("", "x").AppendJSON(nil)) + frameCost), PingInterval: -1, IdleTimeout: -1},
	} {
		inMemory(t, func(t *testing.T, p *place) {
			c, f := p.session(cfg)
			time.Sleep(time.Minute) // which saves up for no more than a second
			began := time.Now()
			for range 35 {
				if err := c.Send(within(t), text("", "x")); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(began); took < 2400*time.Millisecond || took > 2600*time.Millisecond {
				t.Errorf("%s: 35 of 10 a second took %s", what, took)
			}
			synctest.Wait()
			n := 0
			for range drained(f) {
				n++
			}
			if n < 35 {
				t.Errorf("%s: %d have come", what, n)
			}
			f.says(`{"id":"p","from":"x@y/z","method":"get","uri":"/ping"}`)
			f.hears("what is asked for is answered at once", `{"id":"p","status":"success"}`)
		})
	}
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Rate: 10, InFlight: 1000})
		began := time.Now()
		for range 35 {
			if _, err := c.PublishAsync(within(t), text("", "x")); err != nil {
				t.Fatal(err)
			}
		}
		for range 35 {
			f.hears("a publication", `{"content":"x"}`)
		}
		if took := time.Since(began); took < 2400*time.Millisecond || took > 2600*time.Millisecond {
			t.Errorf("35 publications of 10 a second took %s", took)
		}
	})
}
