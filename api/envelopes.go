package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"limegrove/lime"
)

type givenNotification struct {
	To       string            `json:"to"`
	From     string            `json:"from"`
	Domain   string            `json:"domain"`
	ID       string            `json:"id"`
	Event    string            `json:"event"`
	Reason   *lime.Reason      `json:"reason"`
	Metadata map[string]string `json:"metadata"`
}

func (s *Server) sendNotification(ctx context.Context, c *call) (reply, error) {
	var given givenNotification
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	to, err := addressOf("to", given.To)
	if err != nil {
		return reply{}, err
	}
	n := lime.Notification{To: to, ID: given.ID, Reason: given.Reason, Metadata: s.traced(c, given.Metadata)}
	if given.ID == "" {
		return reply{}, invalid("id", "It is missing")
	}
	if err := n.Event.UnmarshalText([]byte(given.Event)); err != nil || n.Event == 0 {
		return reply{}, invalid("event", "There is no such event")
	}
	domain, err := s.speakAs(c, given.From, given.Domain, &n.From, &n.PP)
	if err != nil {
		return reply{}, err
	}
	envelope := n.AppendJSON(nil)
	if err := s.fits(envelope); err != nil {
		return reply{}, err
	}
	if err := s.cfg.Sender.Send(ctx, domain, envelope); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusAccepted, body: fate{ID: n.ID}}, nil
}

type givenCommand struct {
	To       string            `json:"to"`
	From     string            `json:"from"`
	Domain   string            `json:"domain"`
	Method   string            `json:"method"`
	URI      string            `json:"uri"`
	Type     string            `json:"type"`
	Resource json.RawMessage   `json:"resource"`
	Metadata map[string]string `json:"metadata"`
	Timeout  *float64          `json:"timeout"`
}

// response is what a command was answered.
type response struct {
	Status   string          `json:"status"`
	From     string          `json:"from,omitempty"`
	Type     string          `json:"type,omitempty"`
	Resource json.RawMessage `json:"resource,omitempty"`
	Reason   *lime.Reason    `json:"reason,omitempty"`
}

// commandTimeout is how long a command's answer is waited for when the request does not say.
const commandTimeout = 5 * time.Second

func (s *Server) sendCommand(ctx context.Context, c *call) (reply, error) {
	var given givenCommand
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	var method lime.Method
	if err := method.UnmarshalText([]byte(given.Method)); err != nil || method == 0 {
		return reply{}, invalid("method", "There is no such method")
	}
	if _, err := lime.ParseURI(given.URI); err != nil {
		return reply{}, invalid("uri", "It is no URI of LIME")
	}
	patience, err := s.seconds(given.Timeout, commandTimeout)
	if err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(s.waits, cancel)()
	if given.To == "" {
		return s.commandServer(ctx, c, method, given)
	}
	return s.commandNode(ctx, c, method, given)
}

// commandServer has the server of a domain answer.
func (s *Server) commandServer(ctx context.Context, c *call, method lime.Method, given givenCommand) (reply, error) {
	if s.cfg.Resources == nil {
		return reply{}, ErrUnavailable
	}
	o := Order{Method: method, URI: given.URI, Type: given.Type, Resource: given.Resource}
	if given.From == "" {
		domain, err := s.domain(c, "domain", given.Domain)
		if err != nil {
			return reply{}, err
		}
		o.Identity = lime.Identity{Name: lime.Postmaster, Domain: domain}
	} else {
		id, err := s.identity(c, "from", given.From)
		if err != nil {
			return reply{}, err
		}
		o.Identity = id
	}
	a, ok := s.cfg.Resources.Do(ctx, o)
	if !ok {
		return reply{status: http.StatusAccepted, body: struct{}{}}, nil
	}
	r := response{Status: lime.CommandSuccess.String(), Type: a.Type, Resource: a.Resource, Reason: a.Reason}
	if a.Reason != nil {
		r.Status = lime.CommandFailure.String()
	}
	return reply{status: http.StatusOK, body: r}, nil
}

// commandNode asks a node.
func (s *Server) commandNode(ctx context.Context, c *call, method lime.Method, given givenCommand) (reply, error) {
	if s.cfg.Asker == nil {
		return reply{}, ErrUnavailable
	}
	to, err := addressOf("to", given.To)
	if err != nil {
		return reply{}, err
	}
	m := lime.Command{ID: c.newID(), To: to, Method: method, URI: given.URI, Type: given.Type, Metadata: s.traced(c, given.Metadata)}
	if given.Resource != nil {
		if m.Resource, err = compact("resource", given.Resource); err != nil {
			return reply{}, err
		}
	}
	domain, err := s.speakAs(c, given.From, given.Domain, &m.From, &m.PP)
	if err != nil {
		return reply{}, err
	}
	envelope := m.AppendJSON(nil)
	if err := s.fits(envelope); err != nil {
		return reply{}, err
	}
	if method == lime.MethodObserve { // never answered: L-CMD-07
		if err := s.cfg.Sender.Send(ctx, domain, envelope); err != nil {
			return reply{}, err
		}
		return reply{status: http.StatusAccepted, body: struct{}{}}, nil
	}
	a, err := s.cfg.Asker.Ask(ctx, domain, envelope)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: response{
		Status: a.Status.String(), From: a.From.String(), Type: a.Type, Resource: a.Resource, Reason: a.Reason,
	}}, nil
}
