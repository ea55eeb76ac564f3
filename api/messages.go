package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"limegrove/lime"
)

// waitNone is the event of who does not wait.
const waitNone = "none"

// defaultWait is how long it is waited for an event when the request does not say.
const defaultWait = 10 * time.Second

// givenContent is what messages of all kinds have in their bodies.
type givenContent struct {
	From     string            `json:"from"`
	ID       string            `json:"id"`
	Type     string            `json:"type"`
	Content  json.RawMessage   `json:"content"`
	Metadata map[string]string `json:"metadata"`
}

// givenWait is what a request says of how long it waits.
type givenWait struct {
	Wait    string   `json:"wait"`
	Timeout *float64 `json:"timeout"`
}

type givenMessage struct {
	To        string `json:"to"`
	Domain    string `json:"domain"`
	Transient bool   `json:"transient"`
	givenContent
	givenWait
}

// fate is what became of a message.
type fate struct {
	ID       string     `json:"id,omitempty"`
	Event    lime.Event `json:"event,omitempty"` // the last one
	Events   []Told     `json:"events,omitempty"`
	TimedOut bool       `json:"timedOut,omitempty"` // before the event that was waited for
}

func (s *Server) sendMessage(ctx context.Context, c *call) (reply, error) {
	var given givenMessage
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	to, err := addressOf("to", given.To)
	if err != nil {
		return reply{}, err
	}
	if _, ok := lime.OfGroups(to.Domain); ok && to.Instance == "" && !c.key.May(ScopeGroups) {
		return reply{}, forbidden("The key has not the scope %s, and the message is for a group", ScopeGroups)
	}
	return s.message(ctx, c, to, given)
}

// message sends a message to anybody.
func (s *Server) message(ctx context.Context, c *call, to lime.Node, given givenMessage) (reply, error) {
	if s.cfg.Sender == nil {
		return reply{}, ErrUnavailable
	}
	until, err := given.until()
	if err != nil {
		return reply{}, err
	}
	patience, err := s.seconds(given.Timeout, defaultWait)
	if err != nil {
		return reply{}, err
	}
	m := lime.Message{To: to, ID: given.ID, Type: given.Type, Metadata: s.traced(c, given.Metadata)}
	if m.Content, err = compact("content", given.Content); err != nil {
		return reply{}, err
	}
	domain, err := s.speakAs(c, given.From, given.Domain, &m.From, &m.PP)
	if err != nil {
		return reply{}, err
	}
	switch {
	case given.Transient && given.ID != "":
		return reply{}, invalid("id", "A message that is not stored has none")
	case given.Transient && given.Wait != "" && until != 0:
		return reply{}, invalid("wait", "Nothing is told of a message that is not stored")
	case given.Transient:
		until = 0
	case m.ID == "":
		m.ID = c.newID()
	}
	envelope := m.AppendJSON(nil)
	if err := s.fits(envelope); err != nil {
		return reply{}, err
	}
	if until == 0 {
		if err := s.cfg.Sender.Send(ctx, domain, envelope); err != nil {
			return reply{}, err
		}
		return reply{status: http.StatusAccepted, body: fate{ID: m.ID}}, nil
	}
	return s.waitFor(ctx, domain, m.ID, envelope, until, patience)
}

// waitFor sends a message and tells what becomes of it.
func (s *Server) waitFor(ctx context.Context, domain, id string, envelope []byte, until lime.Event, patience time.Duration) (reply, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(s.waits, cancel)() // a router that is about to end waits no longer
	told, err := s.cfg.Sender.SendAndWait(limited, domain, envelope, until)
	f := fate{ID: id, Events: told}
	if n := len(told); n > 0 {
		f.Event = told[n-1].Event
	}
	switch {
	case f.Event == lime.EventFailed && until != lime.EventFailed:
		return reply{}, failure(told)
	case err == nil:
		return reply{status: http.StatusOK, body: f}, nil
	case len(told) > 0 && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		f.TimedOut = true
		return reply{status: http.StatusAccepted, body: f}, nil
	}
	return reply{}, err
}

// failure is the problem of a message that has failed.
func failure(told []Told) *problem {
	why := told[len(told)-1].Reason
	if why == nil {
		why = &lime.Reason{Code: lime.CodeGeneralError}
	}
	p := refused(why)
	p.told = told
	return p
}

// until is the event that is waited for; 0 for none.
func (g *givenWait) until() (e lime.Event, err error) {
	switch g.Wait {
	case waitNone:
		return 0, nil
	case "":
		return lime.EventAccepted, nil
	case "accepted", "dispatched", "received", "consumed", "failed":
		err = e.UnmarshalText([]byte(g.Wait))
		return e, err
	}
	return 0, invalid("wait", "It is none of none, accepted, dispatched, received, consumed and failed")
}

// newID makes the id of an envelope. It is the same when the request comes again.
func (c *call) newID() string {
	if c.seed != "" {
		return c.seed
	}
	return rand.Text()
}

// speakAs finds out in whose name an envelope leaves, and from which domain.
func (s *Server) speakAs(c *call, from, domain string, as, pp *lime.Node) (string, error) {
	id := lime.Identity{}
	if from != "" {
		var err error
		if id, err = s.identity(c, "from", from); err != nil {
			return "", err
		}
		if domain == "" {
			domain = id.Domain
		}
	}
	domain, err := s.domain(c, "domain", domain)
	if err != nil {
		return "", err
	}
	if s.cfg.Sender == nil {
		return "", ErrUnavailable
	}
	own, ok := s.cfg.Sender.Node(domain)
	if !ok {
		return "", ErrUnavailable
	}
	switch {
	case id.IsZero(), lime.IsPostmaster(id.Name):
		*as = own
	case !strings.EqualFold(id.Domain, domain):
		return "", invalid("from", "It is of another domain than the one that is named")
	default:
		as.Identity, *pp = id, own
	}
	return domain, nil
}

// fits refuses an envelope that edges would not take.
func (s *Server) fits(envelope []byte) error {
	if len(envelope) > s.cfg.MaxEnvelope {
		return &problem{kind: kindTooLarge, status: http.StatusRequestEntityTooLarge, detail: "The envelope is too long"}
	}
	return nil
}

// addressOf reads an address with a name and a domain.
func addressOf(member, text string) (lime.Node, error) {
	n, err := lime.ParseNode(text)
	if err != nil || n.Name == "" || n.Domain == "" {
		return n, invalid(member, "It is no address with a name and a domain")
	}
	if lime.IsPostmaster(n.Name) {
		return n, invalid(member, "It is the server's address")
	}
	return n, nil
}

// compact returns a JSON value without white space around what counts.
func compact(member string, v json.RawMessage) (json.RawMessage, error) {
	if v == nil {
		return nil, invalid(member, "It is missing")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return nil, invalid(member, "It is not JSON")
	}
	return b.Bytes(), nil
}
