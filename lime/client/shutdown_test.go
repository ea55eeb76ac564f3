package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

func TestShutdownFinishesWhatHasBegun(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		release := make(chan struct{})
		c, f := p.session(Config{Handler: handler(func(ctx context.Context, c *Client, _ *lime.Message) error {
			<-release
			return c.Send(ctx, text("reply", "x"))
		})})
		f.says(message("1", ""))
		f.says(message("2", ""))
		f.hears("received", `{"id":"1","event":"received"}`)
		one := c.publishes(t, "p")
		f.hears("a publication", `{"id":"p"}`)
		down := later(func() error { return c.Shutdown(within(t)) })
		f.hearsNothing("the handler runs")
		close(release)
		f.hears("it sends", `{"id":"reply"}`)
		f.hears("and ends", `{"id":"1","event":"consumed"}`)
		f.hearsNothing("the publication has no answer; the second message is not begun")
		if err := c.Send(within(t), text("x", "x")); !errors.Is(err, ErrClosed) {
			t.Errorf("what is new: %v", err)
		}
		if _, err := c.PublishAsync(within(t), text("x", "x")); !errors.Is(err, ErrClosed) {
			t.Errorf("what is new: %v", err)
		}
		f.says(`{"id":"p","event":"accepted"}`)
		f.hears("the end is asked for", `{"id":"s1","state":"finishing"}`)
		if err := one.Wait(within(t)); err != nil {
			t.Error(err)
		}
		f.says(`{"id":"q","from":"x@y/z","method":"get","uri":"/ping"}`) // has no answer
		f.says(`{"id":"s1","state":"finished"}`)
		if err := <-down; err != nil {
			t.Error(err)
		}
		if last := f.ends(); last != "8:\x03\xe8" {
			t.Errorf("the last word is %q", last)
		}
		<-c.Done()
		if !errors.Is(c.Err(), ErrClosed) || c.Status().State != StateEnded {
			t.Error(c.Err())
		}
		if err := c.Shutdown(within(t)); err != nil {
			t.Errorf("a second time: %v", err)
		}
		c.Close()
	})
}

func TestShutdownIsCutOffByItsContext(t *testing.T) {
	for what, cfg := range map[string]Config{
		"a server that says nothing": {},
		"a handler that hangs": {Handler: handler(func(ctx context.Context, _ *Client, _ *lime.Message) error {
			<-ctx.Done()
			return ctx.Err()
		})},
	} {
		inMemory(t, func(t *testing.T, p *place) {
			c, f := p.session(cfg)
			f.says(message("1", ""))
			synctest.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := c.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", what, err)
			}
			<-c.Done()
			for text := range drained(f) {
				if match(text, `{"event":"failed"}`) == nil {
					t.Errorf("%s: %s", what, text)
				}
			}
		})
	}
}

func TestCloseEndsEverythingThatWaits(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		ctx := within(t)
		one := c.publishes(t, "1")
		asked := later(func() error {
			_, err := c.Command(ctx, &lime.Command{Method: lime.MethodGet, URI: "/x"})
			return err
		})
		synctest.Wait()
		c.Close()
		if err := one.Wait(ctx); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		if err := <-asked; !errors.Is(err, ErrClosed) || errors.Is(err, ErrLost) {
			t.Error(err)
		}
		if last := f.ends(); last != "8:\x03\xe8" {
			t.Errorf("the last word is %q", last)
		}
		c.Close()
	})
	inMemory(t, func(t *testing.T, p *place) { // between two sessions
		c, f := p.session(Config{})
		f.conn.Close()
		synctest.Wait()
		waiting := later(func() error { return c.Send(within(t), text("1", "x")) })
		<-p.conns // a try that gets nowhere
		c.Close()
		if err := <-waiting; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		<-c.Done()
	})
	inMemory(t, func(t *testing.T, p *place) { // in a pause
		c, f := p.session(Config{Backoff: Backoff{First: time.Hour}})
		f.conn.Close()
		synctest.Wait()
		began := time.Now()
		if err := c.Shutdown(within(t)); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestShutdownTellsThatItWasCutOff(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		down := later(func() error { return c.Shutdown(within(t)) })
		f.hears("the end is asked for", `{"state":"finishing"}`)
		f.conn.Close()
		if err := <-down; !errors.Is(err, ErrLost) {
			t.Error(err)
		}
	})
}

// A publication that nobody has answered is none that Shutdown may be silent about.
func TestShutdownTellsThatPublicationsWereCutOff(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		one := c.publishes(t, "p")
		f.hears("a publication", `{"id":"p"}`)
		down := later(func() error { return c.Shutdown(within(t)) })
		f.hearsNothing("it has no answer")
		f.conn.Close()
		if err := <-down; !errors.Is(err, ErrLost) {
			t.Errorf("the publication ends with %v, and Shutdown with %v", one.Err(), err)
		}
	})
}

// A peer that reads nothing keeps nobody from closing.
func TestCloseDoesNotWaitForTheServer(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{})
		f.stalled.Store(true)
		for range 2 {
			if err := c.Send(within(t), text("", "x")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		began := time.Now()
		c.Close()
		if took := time.Since(began); took > 2*farewellTime {
			t.Errorf("closing took %s", took)
		}
	})
}
