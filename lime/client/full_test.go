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

// ask is a request that waits for its answer.
func ask(ctx context.Context, c *Client) error {
	_, err := c.Command(ctx, &lime.Command{Method: lime.MethodGet, URI: "/x"})
	return err
}

// beyond is more than the queue holds.
const beyond = 1100

// What no server keeps comes from anybody in any number, and may not hold up the answers.
func TestHandlerGetsItsAnswerPastAFloodOfMessagesWithoutIDs(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		handled := make(chan error, 2*beyond)
		c, f := p.session(Config{Handler: handler(func(ctx context.Context, c *Client, m *lime.Message) (err error) {
			if m.ID != "" {
				err = ask(ctx, c)
			}
			handled <- err
			return err
		})})
		f.says(message("1", ""))
		f.hears("received", `{"event":"received"}`)
		id := f.hears("the request", `{"method":"get","uri":"/x"}`)
		for range beyond {
			f.says(message("", ""))
		}
		f.says(message("2", "")) // for which there is room
		f.says(`{"id":"` + id + `","method":"get","status":"success"}`)
		f.hears("the first is consumed", `{"id":"1","event":"consumed"}`)
		if err := <-handled; err != nil {
			t.Error(err)
		}
		f.hears("the one behind the flood", `{"id":"2","event":"received"}`)
		id = f.hears("its request", `{"method":"get","uri":"/x"}`)
		f.says(`{"id":"` + id + `","method":"get","status":"success"}`)
		f.hears("the second is consumed", `{"id":"2","event":"consumed"}`)
		if n := c.Dropped(DropFull); n != beyond-1024 {
			t.Errorf("%d were dropped", n)
		}
	})
}

func TestRequestsAndNotificationsBeyondTheQueueAreRefusedAndDropped(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		mux := new(Mux)
		mux.HandleCommand(lime.MethodGet, "/", func(ctx context.Context, c *Client, _ *lime.Command) (*Document, error) {
			return nil, ask(ctx, c)
		})
		mux.HandleNotification(func(context.Context, *Client, *lime.Notification) {})
		c, f := p.session(Config{Handler: mux, Queue: 3})
		f.says(`{"id":"1","from":"rui@x/y","method":"get","uri":"/a"}`)
		id := f.hears("the request", `{"method":"get","uri":"/x"}`)
		for range 5 {
			f.says(`{"id":"9","from":"rui@x/y","event":"consumed"}`)
		}
		for range 3 {
			f.says(`{"from":"rui@x/y","method":"get","uri":"/b"}`)
		}
		f.says(`{"id":"2","from":"rui@x/y","method":"get","uri":"/b"}`)
		f.hears("refused", `{"id":"2","to":"rui@x/y","method":"get","status":"failure","reason":{"code":61,"description":"This client has too many requests; try again later"}}`)
		f.says(`{"from":"rui@x/y","method":"get","uri":"/b"}`) // which has no answer
		f.says(`{"id":"` + id + `","method":"get","status":"success"}`)
		f.hears("the first is answered", `{"id":"1","status":"success"}`)
		if n := c.Dropped(DropFull); n != 4 { // two of each
			t.Errorf("%d were dropped", n)
		}
	})
}

func TestMessagesThatNobodyTakesDoNotStopCommands(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		came := later(func() string {
			for r, err := range c.Commands(within(t)) {
				if err != nil {
					return err.Error()
				}
				return r.URI
			}
			return ""
		})
		synctest.Wait()
		for range beyond {
			f.says(message("", ""))
		}
		f.says(`{"id":"1","from":"rui@x/y","method":"get","uri":"/a"}`)
		if uri := <-came; uri != "/a" {
			t.Error(uri)
		}
		if n := c.Dropped(DropFull); n != beyond-1024 {
			t.Errorf("%d were dropped", n)
		}
	})
}

// A server that sends more than the queue holds without hearing of it, and an answer behind.
func TestSessionEndsWhenAnAnswerIsBehindAFullQueue(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		failed := make(chan error, 1)
		var began time.Time
		_, f := p.session(Config{
			Queue: 3, PingInterval: time.Second, IdleTimeout: 5 * time.Second,
			Handler: handler(func(ctx context.Context, c *Client, m *lime.Message) error {
				if m.ID != "0" {
					return nil
				}
				err := ask(ctx, c)
				failed <- err
				return err
			}),
		})
		f.says(message("0", ""))
		f.hears("received", `{"event":"received"}`)
		f.hears("the request", `{"method":"get","uri":"/x"}`)
		go func() {
			for i := range 10 {
				f.says(message(fmt.Sprint(1+i), ""))
			}
		}()
		synctest.Wait()
		began = time.Now()
		if err := <-failed; !errors.Is(err, ErrLost) || !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("after %v", took)
		}
		again := p.accept()
		again.begins(ana)
	})
}

// Who is held up over several sessions keeps each message once, and the marks of one session.
func TestDuplicatesOfEndedSessionsMakeRoom(t *testing.T) {
	b := newInbox(4)
	first, second, third := &session{}, &session{}, &session{}
	for _, i := range []item{
		{number: 1, session: first},
		{number: 2, session: first},
		{number: 1, session: second, again: true},
		{number: 2, session: second, again: true},
		{number: 1, session: third, again: true},
		{number: 2, session: third, again: true},
	} {
		i.stored = true
		if room := b.full(i.session); room != nil {
			t.Fatalf("no room for %+v", i)
		}
		b.add(i)
	}
	if b.full(third) == nil {
		t.Error("there is room for a fifth")
	}
	if len(b.all) != 4 || b.stored != 4 || b.all[3].session != third {
		t.Errorf("%d wait, %d of them stored", len(b.all), b.stored)
	}
}
