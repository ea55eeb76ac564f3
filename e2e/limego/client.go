package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"sync"

	"github.com/takenet/lime-go"
)

// client is a session of lime-go.
type client struct {
	channel   *lime.ClientChannel
	transport lime.Transport
	words     *words
	closing   sync.Mutex      // a channel does not bear to be closed while it finishes
	ctx       context.Context // of the session
	ended     chan struct{}   // closed when there is nothing more to be said of it
}

// schemeTLS is that of URLs of clients that choose to be encrypted.
const schemeTLS = "net.tcp+tls"

// login connects and begins a session. One that is refused is no error: its result is the
// session that says so.
func (d *driver) login(r request) (any, error) {
	where, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	address, err := net.ResolveTCPAddr("tcp", where.Host)
	if err != nil {
		return nil, err
	}
	words := newWords()
	ctx, cancel := context.WithCancel(context.Background())
	transport, err := lime.DialTcp(ctx, address, &lime.TCPConfig{
		TraceWriter: words,
		TLSConfig:   &tls.Config{RootCAs: d.roots, ServerName: where.Hostname(), MinVersion: tls.VersionTLS12},
	})
	if err != nil {
		cancel()
		_ = words.Close()
		return nil, err
	}
	encryption, wanted := lime.NoneEncryptionSelector, lime.SessionEncryptionNone
	if where.Scheme == schemeTLS {
		encryption, wanted = lime.TLSEncryptionSelector, lime.SessionEncryptionTLS
	}
	// Without a buffer for each kind of envelope they are told in the order in which they came.
	channel := lime.NewClientChannel(transport, 0)
	session, err := channel.EstablishSession(ctx, lime.NoneCompressionSelector, encryption,
		lime.ParseIdentity(r.Identity), authenticator(r.Password), r.Instance)
	if got := transport.Encryption(); err == nil && got != wanted && session.State == lime.SessionStateEstablished {
		err = fmt.Errorf("the session has the encryption %s, not %s", got, wanted)
	}
	if err != nil || session.State != lime.SessionStateEstablished {
		cancel()
		_ = transport.Close() // it may be closed already
		_ = words.Close()
		if channel.State() == lime.SessionStateFailed { // which may be an error
			return words.last, nil
		}
		return nil, err
	}

	c := &client{channel: channel, transport: transport, words: words, ctx: ctx, ended: make(chan struct{})}
	d.mu.Lock()
	d.clients[r.Client] = c
	d.mu.Unlock()
	go func() {
		defer cancel()
		d.listen(r.Client, c)
	}()
	return session, nil
}

// authenticator is for who has a password, or else for a guest.
func authenticator(password string) lime.Authenticator {
	if password == "" {
		return lime.GuestAuthenticator
	}
	return func([]lime.AuthenticationScheme, lime.Authentication) lime.Authentication {
		return &lime.PlainAuthentication{Password: password}
	}
}

// listen tells what a client is sent, until its connection ends.
func (d *driver) listen(name string, c *client) {
	defer close(c.ended)
	tell := func(envelope any) { d.say(line{Client: name, Envelope: envelope}) }
	mux := new(lime.EnvelopeMux)
	mux.MessageHandlerFunc(nil, func(_ context.Context, e *lime.Message, _ lime.Sender) error { tell(e); return nil })
	mux.NotificationHandlerFunc(nil, func(_ context.Context, e *lime.Notification) error { tell(e); return nil })
	if d.pongs {
		mux.RequestCommandHandlerFunc(isPing, pong)
	}
	mux.RequestCommandHandlerFunc(nil, func(_ context.Context, e *lime.RequestCommand, _ lime.Sender) error { tell(e); return nil })
	mux.ResponseCommandHandlerFunc(nil, func(_ context.Context, e *lime.ResponseCommand, _ lime.Sender) error { tell(e); return nil })
	_ = mux.ListenClient(c.ctx, c.channel) // why it has ended is the last word, or nobody's

	c.closing.Lock()
	_ = c.channel.Close() // it may be closed already
	c.closing.Unlock()
	_ = c.words.Close()
	if state := c.channel.State(); state == lime.SessionStateFinished || state == lime.SessionStateFailed {
		tell(c.words.last)
	}
	d.say(line{Client: name, Closed: true})
}

// isPing and pong are what AutoReplyPings does, which only lime-go's Client has. That logs
// in for ever, so that no refusal would show.
func isPing(e *lime.RequestCommand) bool {
	return e.Method == lime.CommandMethodGet && e.URI.Path() == "/ping"
}

func pong(ctx context.Context, e *lime.RequestCommand, to lime.Sender) error {
	return to.SendResponseCommand(ctx, e.SuccessResponseWithResource(&lime.Ping{}))
}

// send sends what the members of an envelope tell that it is.
func (c *client) send(envelope json.RawMessage) error {
	var has map[string]json.RawMessage
	if err := json.Unmarshal(envelope, &has); err != nil {
		return err
	}
	switch {
	case has["content"] != nil:
		return sendAs(c.ctx, envelope, c.channel.SendMessage)
	case has["event"] != nil:
		return sendAs(c.ctx, envelope, c.channel.SendNotification)
	case has["status"] != nil:
		return sendAs(c.ctx, envelope, c.channel.SendResponseCommand)
	default:
		return sendAs(c.ctx, envelope, c.channel.SendRequestCommand)
	}
}

func sendAs[E any](ctx context.Context, envelope json.RawMessage, send func(context.Context, *E) error) error {
	e := new(E)
	if err := json.Unmarshal(envelope, e); err != nil {
		return err
	}
	return send(ctx, e)
}

// call sends a command and waits for the response.
func (c *client) call(envelope json.RawMessage) (any, error) {
	var e lime.RequestCommand
	if err := json.Unmarshal(envelope, &e); err != nil {
		return nil, err
	}
	return c.channel.ProcessCommand(c.ctx, &e)
}

// finish ends the session and returns the server's last word. FinishSession fails when that
// comes before it looks for it.
func (c *client) finish() (any, error) {
	c.closing.Lock()
	_, err := c.channel.FinishSession(c.ctx)
	state := c.channel.State()
	c.closing.Unlock()
	if state != lime.SessionStateFinished && state != lime.SessionStateFailed {
		return nil, err
	}
	<-c.ended
	return c.words.last, nil
}

// drop cuts the connection without a goodbye. The channel's own Close first waits until a
// read of seconds is over.
func (c *client) drop() error { return c.transport.Close() }
