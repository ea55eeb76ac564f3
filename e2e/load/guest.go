package load

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// instance is that of all clients' nodes.
const instance = "load"

// guest is a session.
type guest struct {
	*socket
	session []byte // its id
}

func nodeOf(name string) string { return name + "@" + domain + "/" + instance }

// login connects the i-th client and logs a guest in.
func login(ctx context.Context, edge, name string, i int) (*guest, error) {
	s, err := dial(ctx, edge, i)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", name, err)
	}
	g := &guest{socket: s}
	if err := g.establish(name); err != nil {
		s.conn.Close()
		return nil, fmt.Errorf("log %s in: %w", name, err)
	}
	return g, nil
}

func (g *guest) establish(name string) error {
	answer, err := g.ask([]byte(`{"state":"new"}`), `"state":"authenticating"`)
	if err != nil {
		return err
	}
	g.session = bytes.Clone(stringOf(answer, `"id":"`))
	_, err = g.ask(fmt.Appendf(nil, `{"id":"%s","from":"%s","state":"authenticating","scheme":"guest","authentication":{}}`,
		g.session, nodeOf(name)), `"state":"established"`)
	if err != nil {
		return err
	}
	return g.conn.SetDeadline(time.Time{})
}

// ask sends a session envelope and wants one with a certain text back.
func (g *guest) ask(envelope []byte, want string) ([]byte, error) {
	if err := g.write(appendFrame(nil, opText, envelope)); err != nil {
		return nil, err
	}
	answer, err := g.read()
	if err == nil && !bytes.Contains(answer, []byte(want)) {
		err = fmt.Errorf("%s is answered by %s", envelope, answer)
	}
	return answer, err
}

// finish ends the session.
func (g *guest) finish() error {
	return g.write(appendFrame(nil, opText, fmt.Appendf(nil, `{"id":"%s","state":"finishing"}`, g.session)))
}

// stringOf returns what stands between key and the next quote; nil when key is not
// there. What these clients look for has no quotes in it.
func stringOf(envelope []byte, key string) []byte {
	i := bytes.Index(envelope, []byte(key))
	if i < 0 {
		return nil
	}
	rest := envelope[i+len(key):]
	if end := bytes.IndexByte(rest, '"'); end >= 0 {
		return rest[:end]
	}
	return nil
}
