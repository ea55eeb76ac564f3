package router

import (
	"context"
	"encoding/json"

	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/resource"
	"limegrove/routing"
)

// command answers one command.
func (r *Router) command(ctx context.Context, o routing.Order) []byte {
	var h lime.Header
	if _, err := h.Scan(o.Envelope); err != nil {
		r.log.WithError(err).Debug("a command is no envelope")
		return nil
	}
	q, err := request(&h, o)
	if err != nil {
		return r.answer(o, &h, resource.Response{Status: lime.CommandFailure, Reason: lime.AsReason(err)})
	}
	answer, ok := r.mux.Serve(context.WithValue(ctx, requesterKey{}, o.Requester), q)
	if !ok {
		return nil
	}
	return r.answer(o, &h, answer)
}

// Do answers a request that comes of this process and not as an envelope: a backend's. It is not
// ok where LIME has no answer. It works from New on until Run has returned.
func (r *Router) Do(ctx context.Context, q resource.Request) (a resource.Response, ok bool) {
	// The server itself asks: no session is to be spared, or to have an account that it has made.
	by := lime.ServerNode(r.cfg.Domains, q.From.Domain, r.cfg.ID)
	return r.mux.Serve(context.WithValue(ctx, requesterKey{}, by), q)
}

// request reads a command. An error is for the requester.
func request(h *lime.Header, o routing.Order) (q resource.Request, err error) {
	q = resource.Request{ID: string(h.ID), Guest: o.Guest, Role: o.Role, Method: h.Method, Type: string(h.Type)}
	for _, a := range []struct {
		text []byte
		to   *lime.Node
	}{{h.From, &q.From}, {h.To, &q.To}, {h.PP, &q.PP}} {
		if a.text == nil {
			continue
		}
		if *a.to, err = lime.ParseNode(string(a.text)); err != nil {
			return q, lime.NewReason(lime.CodeValidationInvalidRecipients, "The from, to or pp is no node")
		}
	}
	if q.URI, err = lime.ParseURI(string(h.URI)); err != nil {
		return q, err
	}
	var rest struct {
		Resource json.RawMessage `json:"resource"`
	}
	if err := json.Unmarshal(o.Envelope, &rest); err != nil {
		return q, lime.NewReason(lime.CodeValidationError, "The command cannot be read")
	}
	q.Resource = rest.Resource
	return q, nil
}

func (r *Router) answer(o routing.Order, h *lime.Header, a resource.Response) []byte {
	response := lime.Command{
		ID: string(h.ID), Method: h.Method, Status: a.Status, Type: a.Type, Resource: a.Resource, Reason: a.Reason,
		From: lime.ServerNode(r.cfg.Domains, o.Requester.Domain, r.cfg.ID),
		To:   o.Requester,
	}
	b := response.AppendJSON(nil)
	if int64(len(b)) <= r.cfg.NATS.MaxPayload() || a.Resource == nil {
		return b
	}
	// The broker would refuse it, and who asks would wait for nothing.
	r.warn.Tell(logrus.WarnLevel, "an answer is longer than the broker's max_payload", nil, logrus.Fields{"node": o.Requester.String(), "bytes": len(b)})
	return r.answer(o, h, resource.Response{
		Status: lime.CommandFailure,
		Reason: lime.NewReason(lime.CodeCommandProcessingError, "The answer is longer than the cluster carries"),
	})
}
