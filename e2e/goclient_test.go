package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"limegrove/internal/limetest"
)

// goClient is a client in this process.
type goClient struct {
	to     sink
	ctx    context.Context // ends with the test
	socket *websocket.Conn // nil before Login
	id     string          // the session's

	compression websocket.CompressionMode // what is offered; default none

	mu         sync.Mutex
	waiting    map[string]chan Envelope // for responses, by id
	finished   chan Envelope            // holds one
	unbearable error                    // the first such
}

func newGoClient(t testing.TB, to sink) *goClient {
	ctx, cancel := context.WithCancel(context.Background())
	c := &goClient{to: to, ctx: ctx, waiting: map[string]chan Envelope{}, finished: make(chan Envelope, 1)}
	t.Cleanup(func() {
		cancel()
		c.Drop()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.unbearable != nil {
			t.Errorf("some client cannot bear what this one was sent: %v", c.unbearable)
		}
	})
	return c
}

// Login speaks LIME's guest or plain login.
func (c *goClient) Login(url string, who Login) (Envelope, error) {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	socket, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		Subprotocols: []string{"lime"}, CompressionMode: c.compression, CompressionThreshold: 1,
	})
	if err != nil {
		return Envelope{}, err
	}
	if response.Body != nil {
		defer response.Body.Close()
	}
	if socket.Subprotocol() != "lime" { // L-TRN-01
		return Envelope{}, errors.New("the subprotocol lime was not selected")
	}
	c.socket = socket
	socket.SetReadLimit(8 << 20)

	offer, err := c.roundTrip(ctx, Envelope{State: "new"})
	if err != nil || offer.State != "authenticating" {
		return offer, err
	}
	c.id = offer.ID
	login := Envelope{
		ID: c.id, State: "authenticating", From: who.Identity + "/" + who.Instance,
		Scheme: "guest", Authentication: struct{}{},
	}
	if who.Password != "" {
		login.Scheme = "plain"
		login.Authentication = map[string]string{"password": who.Password}
	}
	session, err := c.roundTrip(ctx, login)
	if err != nil || session.State != "established" {
		c.Drop()
		return session, err
	}
	go c.read()
	return session, nil
}

func (c *goClient) roundTrip(ctx context.Context, e Envelope) (answer Envelope, err error) {
	if err = wsjson.Write(ctx, c.socket, e); err == nil {
		answer, err = c.next(ctx)
	}
	return answer, err
}

// next reads an envelope, which all clients have to bear.
func (c *goClient) next(ctx context.Context) (e Envelope, err error) {
	_, message, err := c.socket.Read(ctx)
	if err != nil {
		return e, err
	}
	if err := limetest.Bearable(message); err != nil {
		c.mu.Lock()
		if c.unbearable == nil {
			c.unbearable = fmt.Errorf("%s: %w", message, err)
		}
		c.mu.Unlock()
	}
	return e, json.Unmarshal(message, &e)
}

// read hands out what comes until the connection ends.
func (c *goClient) read() {
	defer c.to.closed()
	for {
		e, err := c.next(c.ctx)
		if err != nil {
			c.Drop()
			return
		}
		c.mu.Lock()
		waiting := c.waiting[e.ID]
		c.mu.Unlock()
		switch {
		case e.Status != "" && waiting != nil:
			waiting <- e
			continue
		case e.State == "finished" || e.State == "failed":
			c.finished <- e
			c.to.take(e)
			_ = c.socket.Close(websocket.StatusNormalClosure, "") // the server may have been faster
			return
		}
		c.to.take(e)
	}
}

func (c *goClient) Send(e Envelope) error {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	return wsjson.Write(ctx, c.socket, e)
}

func (c *goClient) Call(e Envelope) (Envelope, error) {
	reply := make(chan Envelope, 1)
	c.mu.Lock()
	c.waiting[e.ID] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, e.ID)
	}()
	if err := c.Send(e); err != nil {
		return Envelope{}, err
	}
	return c.await(reply, e)
}

func (c *goClient) Finish() (Envelope, error) {
	e := Envelope{ID: c.id, State: "finishing"}
	if err := c.Send(e); err != nil {
		return Envelope{}, err
	}
	return c.await(c.finished, e)
}

func (c *goClient) await(reply <-chan Envelope, to Envelope) (Envelope, error) {
	select {
	case e := <-reply:
		return e, nil
	case <-time.After(patience):
		return Envelope{}, fmt.Errorf("no answer to %s within %s", to, patience)
	}
}

func (c *goClient) Drop() {
	if c.socket != nil {
		_ = c.socket.CloseNow() // it may be closed already
	}
}
