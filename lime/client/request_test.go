package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

type outcomeOf struct {
	m   *lime.Message
	err error
}

// asks has a client ask rui.
func (c *Client) asks(ctx context.Context, m *lime.Message) <-chan outcomeOf {
	return later(func() outcomeOf {
		answer, err := c.Request(ctx, m)
		return outcomeOf{answer, err}
	})
}

// asked takes the next message, which asks, and accepts it. It returns its id and correlation.
func (f *far) asked() (id, correlation string) {
	f.t.Helper()
	id, m := f.message()
	if correlation = m.Metadata[lime.KeyRequestID]; len(correlation) < 20 || correlation == id {
		f.t.Errorf("the correlation %q", correlation)
	}
	f.says(`{"id":"` + id + `","event":"accepted"}`)
	return id, correlation
}

func (f *far) message() (id string, m *lime.Message) {
	f.t.Helper()
	text, ok := <-f.in
	if !ok {
		f.t.Fatal("the end came")
	}
	m, err := lime.DecodeMessage([]byte(text))
	if err != nil {
		f.t.Fatalf("%s: %v", text, err)
	}
	return m.ID, m
}

// answers is a message that answers.
func answers(id, from, correlation string) string {
	return `{"id":"` + id + `","from":"` + from + `","type":"text/plain","content":"sunny","metadata":{"#response.id":"` + correlation + `"}}`
}

const rui = "rui@example.org/desk"

func TestRequestReturnsTheAnswer(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		got := c.asks(within(t), &lime.Message{
			To: lime.MustParseNode("rui@example.org"), Type: lime.MediaText, Content: []byte(`"weather?"`), Metadata: lime.Metadata{"a": "b"},
		})
		id, m := f.message()
		if m.Metadata["a"] != "b" || len(m.Metadata) != 2 {
			t.Errorf("metadata %v", m.Metadata)
		}
		// It may come before the request is accepted, and need not be for this node by name.
		f.says(answers("7", "Rui@Example.org/2", m.Metadata[lime.KeyRequestID]))
		f.hears("it is acknowledged", `{"id":"7","to":"Rui@Example.org/2","event":"received"}`)
		if r := <-got; r.err != nil || string(r.m.Content) != `"sunny"` {
			t.Errorf("%+v", r)
		}
		f.says(`{"id":"` + id + `","event":"accepted"}`)
		synctest.Wait()
		if c.publications.waiting() || c.requests.waiting() || len(c.requests.room) != 0 {
			t.Error("something waits still")
		}
	})
}

// What others say is not the answer, and comes to who takes messages.
func TestOnlyTheRecipientAnswersARequest(t *testing.T) {
	for _, tc := range []struct {
		to        string
		strangers []string
		answers   string
	}{
		{rui, []string{"eve@example.org/x", server}, rui},
		{"rui", []string{"rui@else.example/x"}, "rui@example.org/2"},
		{"", []string{"eve@example.org/x"}, server},
		{"ops@groups.example.org", nil, "lia@example.org/x"},
		{"ride%2F42@rooms.example.org", nil, "lia@else.example/x"},
	} {
		inMemory(t, func(t *testing.T, p *place) {
			c, f := p.session(Config{Receipts: ReceiptsOff})
			m := &lime.Message{Type: lime.MediaText, Content: []byte(`"?"`)}
			if tc.to != "" {
				m.To = lime.MustParseNode(tc.to)
			}
			got := c.asks(within(t), m)
			_, correlation := f.asked()
			for i, stranger := range tc.strangers {
				f.says(answers(fmt.Sprint(i), stranger, correlation))
			}
			f.says(answers("other", tc.answers, correlation[1:]))
			f.says(answers("right", tc.answers, correlation))
			if r := <-got; r.err != nil || r.m.ID != "right" {
				t.Errorf("asked of %q: %+v", tc.to, r)
			}
			var others []string
			for m, err := range c.Messages(within(t)) {
				if err != nil {
					t.Fatal(err)
				}
				if others = append(others, m.ID); m.ID == "other" {
					break
				}
			}
			if len(others) != len(tc.strangers)+1 {
				t.Errorf("asked of %q: %q are ordinary messages", tc.to, others)
			}
		})
	}
}

func TestRequestFailsForItsReason(t *testing.T) {
	for _, tc := range []struct {
		name, said string
		want       error
	}{
		{"by the server, at once", `"event":"failed","reason":{"code":33}`, &lime.Reason{Code: 33}},
		{"by the server, later", `"from":"` + server + `","event":"failed","reason":{"code":41}`, &lime.Reason{Code: 41}},
		{"by the recipient", `"from":"` + rui + `","event":"failed","reason":{"code":101}`, &lime.Reason{Code: 101}},
		{"for none", `"from":"` + rui + `","event":"failed"`, &lime.Reason{Code: 1}},
	} {
		inMemory(t, func(t *testing.T, p *place) {
			c, f := p.session(Config{})
			got := c.asks(within(t), text("1", "?"))
			_, m := f.message()
			if tc.name != "by the server, at once" {
				f.says(`{"id":"1","event":"accepted"}`)
			}
			f.says(`{"id":"1","from":"eve@example.org/x","event":"failed","reason":{"code":9}}`)
			f.says(`{"id":"1","from":"` + rui + `","event":"consumed"}`)
			f.says(`{"id":"1",` + tc.said + `}`)
			if r := <-got; !errors.Is(r.err, tc.want) {
				t.Errorf("%s: %v", tc.name, r.err)
			}
			f.says(answers("2", rui, m.Metadata[lime.KeyRequestID]))
			for late, err := range c.Messages(within(t)) {
				if err != nil || late.ID != "2" {
					t.Errorf("what comes too late: %v, %v", late, err)
				}
				break
			}
		})
	}
}

func TestRequestEndsWithItsContext(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Requests: 2, ResendAfter: -1, PingInterval: -1, IdleTimeout: -1})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		first := c.asks(ctx, text("1", "?"))
		f.asked()
		if r := <-c.asks(ctx, text("1", "?")); !errors.Is(r.err, ErrID) {
			t.Errorf("an id that waits: %v", r.err)
		}
		second := c.asks(within(t), text("2", "?"))
		_, correlation := f.asked()
		third := c.asks(within(t), text("3", "?"))
		f.hearsNothing("two wait, and there is no room for a third")
		if r := <-c.asks(ctx, text("4", "?")); !errors.Is(r.err, context.DeadlineExceeded) {
			t.Errorf("without room: %v", r.err)
		}
		if r := <-first; !errors.Is(r.err, context.DeadlineExceeded) {
			t.Error(r.err)
		}
		f.hears("now there is room", `{"id":"3"}`)
		f.says(answers("9", rui, correlation))
		if r := <-second; r.err != nil {
			t.Error(r.err)
		}
		if r := <-c.asks(within(t), &lime.Message{Type: lime.MediaText, Content: []byte("no JSON")}); !errors.Is(r.err, lime.ErrMalformed) {
			t.Error(r.err)
		}
		fifth := c.asks(within(t), text("5", "?"))
		f.hears("the answer is acknowledged", `{"event":"received"}`)
		f.asked()
		synctest.Wait()
		c.Close()
		for _, r := range []outcomeOf{<-third, <-fifth, <-c.asks(within(t), text("6", "?"))} {
			if !errors.Is(r.err, ErrClosed) {
				t.Errorf("after Close: %v", r.err)
			}
		}
	})
}

// The request goes on in the next session, where its answer comes, and comes once more when the
// acknowledgement was lost. A client without a use for messages acknowledges that, too.
func TestRequestOutlivesSessions(t *testing.T) {
	for _, cfg := range []Config{{}, {SendOnly: true}} {
		inMemory(t, func(t *testing.T, p *place) {
			c, f := p.session(cfg)
			got := c.asks(within(t), text("1", "?"))
			_, m := f.message()
			f.conn.Close()
			f = p.accept()
			f.begins(ana)
			f.hears("it is sent again", `{"id":"1","metadata":{"#resentCount":"1","#request.id":"`+m.Metadata[lime.KeyRequestID]+`"}}`)
			f.says(`{"id":"1","event":"accepted"}`)
			f.conn.Close()
			f = p.accept()
			f.begins(ana)
			f.says(answers("7", rui, m.Metadata[lime.KeyRequestID]))
			if r := <-got; r.err != nil || r.m.ID != "7" {
				t.Errorf("%+v", r)
			}
			f.hears("received", `{"id":"7","event":"received"}`)
			f.conn.Close()
			f = p.accept()
			f.begins(ana)
			f.says(answers("7", rui, m.Metadata[lime.KeyRequestID]))
			f.hears("received again", `{"id":"7","event":"received"}`)
			f.says(`{"id":"p","from":"` + server + `","method":"get","uri":"/ping"}`)
			f.hears("and nothing holds the proof back", `{"id":"p","status":"success"}`)
			if n := c.Dropped(DropDuplicate); n != 1 {
				t.Errorf("%d came again", n)
			}
		})
	}
}

// A pong is the proof that the program has what came before, answers included.
func TestAnswerIsProvedWhenItIsTaken(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Receipts: ReceiptsOff})
		got := c.asks(within(t), text("1", "?"))
		_, correlation := f.asked()
		f.says(answers("7", rui, correlation))
		<-got
		f.says(`{"id":"p","from":"` + server + `","method":"get","uri":"/ping"}`)
		f.hears("the answer to a ping", `{"id":"p","status":"success"}`)
	})
}

// An answer is read though the queue is full of what nobody takes.
func TestAnswerIsAheadOfWhatWaits(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		done := make(chan outcomeOf, 1)
		_, f := p.session(Config{Queue: 4, Handler: handler(func(ctx context.Context, c *Client, m *lime.Message) error {
			if m.ID == "a" {
				r, err := c.Request(ctx, text("1", "?"))
				done <- outcomeOf{r, err}
			}
			return nil
		})})
		f.says(message("a", ""))
		f.hears("received", `{"id":"a","event":"received"}`)
		_, correlation := f.asked()
		for i := range 3 {
			f.says(message(fmt.Sprint(i), ""))
		}
		f.says(answers("7", rui, correlation))
		if r := <-done; r.err != nil || r.m.ID != "7" {
			t.Errorf("%+v", r)
		}
	})
}

func TestHandlerOfRequestsAnswers(t *testing.T) {
	weather := new(Mux)
	weather.HandleRequest(lime.MediaText, func(_ context.Context, _ *Client, m *lime.Message) (*Document, error) {
		switch string(m.Content) {
		case `"weather"`:
			return NewDocument(lime.MediaText, "sunny")
		case `"nothing"`:
			return nil, nil
		case `"broken"`:
			return &Document{lime.MediaText, []byte("no JSON")}, nil
		}
		return nil, lime.NewReason(lime.CodeApplicationError, "What?")
	})
	asks := func(id, from, content, metadata string) string {
		return `{"id":"` + id + `","from":"` + from + `","type":"text/plain","content":"` + content + `"` + metadata + `}`
	}
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Handler: weather})
		for _, tc := range []struct{ what, metadata, correlation string }{
			{"a request", `,"metadata":{"#request.id":"q"}`, "q"},
			{"an ordinary message", "", "o"},
			{"a request that answers", `,"metadata":{"#request.id":"r","#response.id":"s"}`, "r"},
			{"a request of who acts for another", `,"pp":"lia@example.org/x","metadata":{"#request.id":"t"}`, "t"},
		} {
			id := tc.correlation
			f.says(asks(id, "rui@example.org/"+tc.correlation, "weather", tc.metadata))
			f.hears(tc.what, `{"id":"`+id+`","event":"received"}`)
			to := "rui@example.org/" + tc.correlation
			if tc.correlation == "t" {
				to = "lia@example.org/x"
			}
			// The answer and the receipt have no order between them.
			said := []string{<-f.in, <-f.in}
			for _, pattern := range []string{
				`{"id":"*","to":"` + to + `","type":"text/plain","content":"sunny","metadata":{"#response.id":"` + tc.correlation + `"}}`,
				`{"id":"` + id + `","to":"` + to + `","event":"consumed"}`,
			} {
				if match(said[0], pattern) != nil && match(said[1], pattern) != nil {
					t.Errorf("%s: %q has no %s", tc.what, said, pattern)
				}
			}
			for _, text := range said {
				if m, err := lime.DecodeMessage([]byte(text)); err == nil && m.Type != "" {
					f.says(`{"id":"` + m.ID + `","event":"failed","reason":{"code":42}}`)
				}
			}
		}
		for id, tc := range map[string][2]string{
			"2": {"nothing", `{"id":"2","event":"consumed"}`},
			"3": {"broken", `{"id":"3","event":"failed","reason":{"code":101,"description":"The application could not handle the message"}}`},
			"4": {"else", `{"id":"4","event":"failed","reason":{"code":101,"description":"What?"}}`},
		} {
			f.says(asks(id, rui, tc[0], `,"metadata":{"#request.id":"q"}`))
			f.hears("received", `{"id":"`+id+`","event":"received"}`)
			f.hears(tc[0], tc[1])
		}
		f.says(asks("5", rui, "weather", `,"metadata":{"#response.id":"q"}`))
		f.hears("received", `{"id":"5","event":"received"}`)
		f.hears("an answer has none", `{"id":"5","event":"consumed"}`)
		f.hearsNothing("an answer has none")
		if n := c.Dropped(DropAnswer); n != 4 {
			t.Errorf("%d answers were not stored", n)
		}
	})
	inMemory(t, func(t *testing.T, p *place) {
		_, f := p.session(Config{Handler: weather, Receipts: ReceiptsWhenHandled})
		for i, tc := range [][2]string{{`"event":"accepted"`, `"event":"consumed"`}, {`"event":"failed","reason":{"code":42}`, `"event":"failed"`}} {
			asked := fmt.Sprint("q", i)
			f.says(asks(asked, rui, "weather", ""))
			id := f.hears("the answer", `{"metadata":{"#response.id":"`+asked+`"}}`)
			f.hearsNothing("it is not stored yet")
			f.says(`{"id":"` + id + `",` + tc[0] + `}`)
			f.hears("now it is acknowledged", `{"id":"`+asked+`","event":"received"}`)
			f.hears("and its sender knows", `{"id":"`+asked+`",`+tc[1]+`}`)
		}
	})
}

func TestReplyAnswersLater(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		f.says(`{"id":"1","from":"` + rui + `","type":"text/plain","content":"x","metadata":{"#request.id":"q"}}`)
		answer := &lime.Message{ID: "9", Type: lime.MediaText, Content: []byte(`"y"`), Metadata: lime.Metadata{"a": "b"}}
		for m, err := range c.Messages(within(t)) {
			if err != nil {
				t.Fatal(err)
			}
			f.hears("received", `{"event":"received"}`)
			replied := later(func() error { return c.Reply(within(t), m, answer) })
			f.hears("the answer", `{"id":"9","to":"`+rui+`","content":"y","metadata":{"a":"b","#response.id":"q"}}`)
			f.says(`{"id":"9","event":"failed","reason":{"code":42}}`)
			if err := <-replied; !errors.Is(err, &lime.Reason{Code: 42}) {
				t.Error(err)
			}
			break
		}
		if len(answer.Metadata) != 1 || !answer.To.IsZero() {
			t.Errorf("what was borrowed is changed: %+v", answer)
		}
		if err := c.Reply(within(t), &lime.Message{ID: "2"}, answer); !errors.Is(err, errNobody) {
			t.Error(err)
		}
	})
}
