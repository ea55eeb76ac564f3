package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
)

// mayWebhooks refuses keys of some domains: endpoints are told of all.
func (s *Server) mayWebhooks(c *call) error {
	switch {
	case len(c.key.Domains) > 0:
		return forbidden("The key is not for all domains")
	case s.cfg.Webhooks == nil:
		return ErrUnavailable
	}
	return nil
}

type webhookList struct {
	Webhooks []Webhook `json:"webhooks"`
}

func (s *Server) listWebhooks(ctx context.Context, c *call) (reply, error) {
	if err := errors.Join(parameters(c), s.mayWebhooks(c)); err != nil {
		return reply{}, err
	}
	all, err := s.cfg.Webhooks.List(ctx)
	return reply{status: http.StatusOK, body: webhookList{all}}, err
}

type letterPage struct {
	DeadLetters []DeadLetter `json:"deadLetters"`
	// Next is where the next page begins; absent when there is none.
	Next uint64 `json:"next,omitempty"`
}

func (s *Server) listDeadLetters(ctx context.Context, c *call) (reply, error) {
	from, take, err := page(c)
	if err := errors.Join(err, s.mayWebhooks(c)); err != nil {
		return reply{}, err
	}
	all, next, err := s.cfg.Webhooks.Letters(ctx, c.request.PathValue("webhook"), from, take)
	if all == nil {
		all = []DeadLetter{}
	}
	return reply{status: http.StatusOK, body: letterPage{all, next}}, err
}

type replayed struct {
	Replayed int `json:"replayed"`
}

func (s *Server) replayDeadLetters(ctx context.Context, c *call) (reply, error) {
	n, err := s.letters(ctx, c, 0, Webhooks.Replay)
	return reply{status: http.StatusOK, body: replayed{n}}, err
}

func (s *Server) dropDeadLetters(ctx context.Context, c *call) (reply, error) {
	n, err := s.letters(ctx, c, 0, Webhooks.Drop)
	return reply{status: http.StatusOK, body: purged{n}}, err
}

func (s *Server) replayDeadLetter(ctx context.Context, c *call) (reply, error) {
	return s.oneLetter(ctx, c, Webhooks.Replay)
}

func (s *Server) dropDeadLetter(ctx context.Context, c *call) (reply, error) {
	return s.oneLetter(ctx, c, Webhooks.Drop)
}

// doLetters does something with one dead letter, or with all when its sequence is 0.
type doLetters func(w Webhooks, ctx context.Context, webhook string, sequence uint64) (int, error)

func (s *Server) oneLetter(ctx context.Context, c *call, do doLetters) (reply, error) {
	sequence, err := strconv.ParseUint(c.request.PathValue("sequence"), 10, 63)
	if err != nil || sequence == 0 {
		return reply{}, invalid("sequence", "It is no sequence")
	}
	_, err = s.letters(ctx, c, sequence, do)
	return reply{status: http.StatusNoContent}, err
}

func (s *Server) letters(ctx context.Context, c *call, sequence uint64, do doLetters) (int, error) {
	if err := errors.Join(parameters(c), s.mayWebhooks(c)); err != nil {
		return 0, err
	}
	return do(s.cfg.Webhooks, ctx, c.request.PathValue("webhook"), sequence)
}
