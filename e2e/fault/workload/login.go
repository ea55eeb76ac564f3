package workload

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// establishing is what a login may take; many wait for their turn to be hashed.
const establishing = 20 * time.Second

// password is everybody's.
const password = "of all accounts"

// login establishes a LIME session of an account. It returns the session envelope.
func (w *wire) login(ctx context.Context, node string) (*lime.Session, error) {
	give := time.Now().Add(establishing)
	stop := context.AfterFunc(ctx, func() { _ = w.conn.SetReadDeadline(time.Now()) }) // what waits then fails
	defer stop()
	if err := w.conn.SetReadDeadline(give); err != nil {
		return nil, err
	}
	offer, err := w.ask(&lime.Session{State: lime.StateNew}, lime.StateAuthenticating)
	if err != nil {
		return nil, fmt.Errorf("begin a session: %w", err)
	}
	from, err := lime.ParseNode(node)
	if err != nil {
		return nil, err
	}
	proof, err := json.Marshal(map[string]string{"password": base64.StdEncoding.EncodeToString([]byte(password))})
	if err != nil {
		return nil, err
	}
	session, err := w.ask(&lime.Session{
		ID: offer.ID, From: from, State: lime.StateAuthenticating, Scheme: "plain", Authentication: proof,
	}, lime.StateEstablished)
	if err != nil {
		return nil, fmt.Errorf("log %s in: %w", node, err)
	}
	return session, w.conn.SetReadDeadline(time.Time{})
}

// ask sends a session envelope and wants one of a certain state back.
func (w *wire) ask(s *lime.Session, want lime.State) (*lime.Session, error) {
	if err := w.write(ws.OpText, s.AppendJSON(nil)); err != nil {
		return nil, err
	}
	text, err := w.text()
	if err != nil {
		return nil, err
	}
	answer := new(lime.Session)
	if err := json.Unmarshal(text, answer); err != nil {
		return nil, err
	}
	if answer.State != want {
		return nil, fmt.Errorf("the server says %s", text)
	}
	return answer, nil
}

// text reads the next text, and answers what else comes before it.
func (w *wire) text() ([]byte, error) {
	for {
		op, payload, err := w.read()
		switch {
		case err != nil:
			return nil, err
		case op == ws.OpText:
			return payload, nil
		case op == ws.OpPing:
			if err := w.write(ws.OpPong, payload); err != nil {
				return nil, err
			}
		case op == ws.OpClose:
			return nil, fmt.Errorf("closed by the server")
		}
	}
}
