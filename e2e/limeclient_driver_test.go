package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"limegrove/lime"
	"limegrove/lime/client"
)

// limeClient makes clients of lime/client. What that does by itself is switched off, so
// that scenarios see and say everything themselves; pings are answered all the same.
func limeClient(t testing.TB, to sink) Client { return limeClientWith(nil)(t, to) }

// limeClientWith is limeClient with another configuration.
func limeClientWith(change func(*client.Config)) library {
	return func(t testing.TB, to sink) Client { return newDrivenLimeClient(t, to, change) }
}

func newDrivenLimeClient(t testing.TB, to sink, change func(*client.Config)) Client {
	c := &drivenLimeClient{to: to, change: change}
	t.Cleanup(func() {
		if c.client != nil {
			c.client.Close()
			c.end.Wait()
		}
	})
	return c
}

type drivenLimeClient struct {
	to     sink
	change func(*client.Config) // may be nil
	client *client.Client       // nil before Login
	conn   net.Conn
	end    sync.WaitGroup
}

func (c *drivenLimeClient) Login(url string, who Login) (Envelope, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cfg := client.Config{
		Node:    lime.MustParseNode(who.Identity + "/" + who.Instance),
		Handler: c.mux(), Receipts: client.ReceiptsOff, DuplicateWindow: -1, Backoff: client.Backoff{Tries: -1},
		NetDial: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
			c.conn, err = new(net.Dialer).DialContext(ctx, network, address)
			return c.conn, err
		},
	}
	if who.Password != "" {
		password, err := base64.StdEncoding.DecodeString(who.Password)
		if err != nil {
			return Envelope{}, err
		}
		cfg.Scheme = client.Plain(client.Fixed(string(password)))
	}
	if c.change != nil {
		c.change(&cfg)
	}
	made, err := client.Dial(ctx, url, cfg)
	if word := lastWord(err); word != nil {
		return *word, nil
	}
	if err != nil {
		return Envelope{}, err
	}
	c.client = made
	c.end.Go(func() {
		<-made.Done()
		if word := lastWord(made.Err()); word != nil {
			c.to.take(*word)
		}
		c.to.closed()
	})
	return Envelope{ID: "*", State: "established", From: made.Server().String(), To: made.Node().String()}, nil
}

// lastWord is the server's, when an error is that.
func lastWord(err error) *Envelope {
	var end *client.SessionError
	if !errors.As(err, &end) {
		return nil
	}
	word := &Envelope{State: end.State.String()}
	if end.Reason != nil {
		word.Reason = &Reason{end.Reason.Code, end.Reason.Description}
	}
	return word
}

// mux gives everything to the sink.
func (c *drivenLimeClient) mux() *client.Mux {
	m := new(client.Mux)
	m.HandleMessage("", func(_ context.Context, _ *client.Client, e *lime.Message) error { return c.take(e) })
	m.HandleNotification(func(_ context.Context, _ *client.Client, e *lime.Notification) { _ = c.take(e) })
	for method := lime.MethodGet; method <= lime.MethodObserve; method++ {
		m.HandleCommand(method, "/", func(_ context.Context, _ *client.Client, e *lime.Command) (*client.Document, error) {
			return nil, errors.Join(c.take(e), client.ErrLater)
		})
	}
	return m
}

func (c *drivenLimeClient) take(e client.Envelope) error {
	read, err := readBack(e)
	if err != nil {
		read.Type = err.Error() // nobody waits for such a one, and a failure shows it
	}
	c.to.take(read)
	return err
}

func readBack(e client.Envelope) (read Envelope, err error) {
	err = json.Unmarshal(e.AppendJSON(nil), &read)
	return read, err
}

// decode makes of an envelope what lime/client sends.
func decode(e Envelope) (client.Envelope, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var h lime.Header
	if _, err := h.Scan(b); err != nil {
		return nil, err
	}
	switch h.Kind {
	case lime.KindMessage:
		return lime.DecodeMessage(b)
	case lime.KindNotification:
		return lime.DecodeNotification(b)
	case lime.KindCommand:
		return lime.DecodeCommand(b)
	}
	return nil, fmt.Errorf("a %s is not sent: %s", h.Kind, strings.TrimSpace(string(b)))
}

func (c *drivenLimeClient) Send(e Envelope) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	decoded, err := decode(e)
	if err != nil {
		return err
	}
	if request, ok := decoded.(*lime.Command); ok && request.Status == 0 {
		c.end.Go(func() { // a response that nobody waits for is dropped
			if response, err := c.Call(e); err == nil {
				c.to.take(response)
			}
		})
		return nil
	}
	return c.client.Send(ctx, decoded)
}

func (c *drivenLimeClient) Call(e Envelope) (Envelope, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	decoded, err := decode(e)
	if err != nil {
		return Envelope{}, err
	}
	response, err := c.client.Command(ctx, decoded.(*lime.Command))
	if response == nil {
		return Envelope{}, err
	}
	return readBack(response)
}

func (c *drivenLimeClient) Finish() (Envelope, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.client.Shutdown(ctx); err != nil {
		return Envelope{}, err
	}
	word := Envelope{State: "finished"}
	c.to.take(word)
	return word, nil
}

func (c *drivenLimeClient) Drop() {
	if c.conn != nil {
		c.conn.Close()
	}
}
