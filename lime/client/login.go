package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"limegrove/lime"
)

// maxTurns bounds what a server may say until a session is established.
const maxTurns = 32

// login is the beginning of a session, one turn after the other: LIME, session.
type login struct {
	client *Client
	wire   *wire
	host   string
	wants  Encryption
	node   lime.Node // proposed

	state      lime.State
	id         string // the session's
	chosen     string // encryption; "" before that
	header     lime.Header
	challenged bool
}

// login establishes a session on a wire that is open. It returns what the server said
// last.
func (c *Client) login(ctx context.Context, w *wire, a address, node lime.Node) (established *lime.Session, err error) {
	l := &login{client: c, wire: w, host: a.url.Hostname(), wants: c.cfg.encryption(a), node: node, state: lime.StateNew}
	stop := w.within(ctx)
	defer func() {
		if late := stop(); late != nil {
			established, err = nil, fmt.Errorf("log in: %w", errors.Join(late, err))
		}
	}()
	if err := l.say(&lime.Session{State: lime.StateNew}); err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	for range maxTurns {
		s, err := l.hear()
		if err != nil {
			return nil, fmt.Errorf("log in while %s: %w", l.state, err)
		}
		switch s.State {
		case lime.StateNegotiating:
			err = l.negotiate(ctx, s)
		case lime.StateAuthenticating:
			err = l.authenticate(ctx, s)
		case lime.StateEstablished:
			if err = l.secured(); err == nil {
				return s, nil
			}
		}
		if err != nil {
			return nil, fmt.Errorf("log in while %s: %w", l.state, err)
		}
	}
	return nil, fmt.Errorf("log in: %w: no end", ErrProtocol)
}

func (l *login) say(s *lime.Session) error {
	s.ID = l.id
	_, err := l.wire.conn.Write(l.wire.append(nil, s.AppendJSON(nil)))
	return err
}

// hear waits for the server's next word, which is one that may follow.
func (l *login) hear() (*lime.Session, error) {
	b, err := l.wire.in.next()
	if err != nil {
		return nil, err
	}
	if _, err := l.header.Scan(b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if l.header.Kind != lime.KindSession {
		return nil, fmt.Errorf("%w: a %s before the session is established", ErrProtocol, l.header.Kind)
	}
	s, err := lime.DecodeSession(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if s.State.Ended() {
		return nil, &SessionError{During: l.state, State: s.State, Reason: s.Reason}
	}
	if err := l.state.Move(s.State); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	l.state = s.State
	if l.id == "" {
		l.id = s.ID
	}
	s.ID = l.id
	return s, nil
}

const (
	encryptionNone  = "none"
	encryptionTLS   = "tls"
	compressionNone = "none"
)

// negotiate chooses, or takes what is confirmed: L-SES-06, L-SES-07, L-SES-10.
func (l *login) negotiate(ctx context.Context, s *lime.Session) error {
	if l.chosen != "" {
		if s.Encryption != l.chosen || s.Compression != compressionNone {
			return fmt.Errorf("%w: encryption %q and compression %q are confirmed, which were not chosen",
				ErrProtocol, s.Encryption, s.Compression)
		}
		if l.chosen == encryptionTLS && !l.wire.secure {
			return l.wire.encrypt(ctx, l.client.cfg.tls(l.host))
		}
		return nil
	}
	canTLS := l.wire.frames == nil && slices.Contains(s.EncryptionOptions, encryptionTLS)
	canNone := len(s.EncryptionOptions) == 0 || slices.Contains(s.EncryptionOptions, encryptionNone)
	switch {
	case canTLS && l.wants != NoTLS:
		l.chosen = encryptionTLS
	case canNone && (l.wants != RequireTLS || l.wire.secure):
		l.chosen = encryptionNone
	default:
		return fmt.Errorf("encryption as wanted: %w: %q", ErrNotOffered, s.EncryptionOptions)
	}
	if len(s.CompressionOptions) > 0 && !slices.Contains(s.CompressionOptions, compressionNone) {
		return fmt.Errorf("no compression: %w: %q", ErrNotOffered, s.CompressionOptions)
	}
	return l.say(&lime.Session{State: lime.StateNegotiating, Encryption: l.chosen, Compression: compressionNone})
}

// secured makes sure that nothing is said in clear that was to be encrypted.
func (l *login) secured() error {
	switch {
	case l.wire.secure:
	case l.chosen == encryptionTLS:
		return fmt.Errorf("%w: the choice of TLS is not confirmed", ErrProtocol)
	case l.wants == RequireTLS:
		return fmt.Errorf("encryption: %w", ErrNotOffered)
	}
	return nil
}

// authenticate sends credentials, or the answer to a round trip: L-SES-30.
func (l *login) authenticate(ctx context.Context, s *lime.Session) error {
	if err := l.secured(); err != nil {
		return err
	}
	scheme := l.client.cfg.Scheme
	var challenge json.RawMessage
	if l.challenged {
		challenge = s.Authentication
		if challenge == nil {
			challenge = json.RawMessage("{}")
		}
	} else if len(s.SchemeOptions) > 0 && !slices.Contains(s.SchemeOptions, scheme.Name) {
		return fmt.Errorf("scheme %s: %w: %q", scheme.Name, ErrNotOffered, s.SchemeOptions)
	}
	l.challenged = true
	authentication, err := scheme.Authenticate(ctx, challenge)
	if err != nil {
		return fmt.Errorf("scheme %s: %w", scheme.Name, err)
	}
	return l.say(&lime.Session{
		From: l.node, State: lime.StateAuthenticating, Scheme: scheme.Name, Authentication: authentication,
	})
}
