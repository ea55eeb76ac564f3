package api

import (
	"context"
	"math"
	"net/http"
	"strconv"
)

type inboxPage struct {
	Messages []Waiting `json:"messages"`
	// Next is where the next page begins; absent when there is none.
	Next uint64 `json:"next,omitempty"`
}

func (s *Server) readInbox(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	from, take, err := page(c)
	if err != nil {
		return reply{}, err
	}
	if s.cfg.Inboxes == nil {
		return reply{}, ErrUnavailable
	}
	all, more, err := s.cfg.Inboxes.Read(ctx, id, from, take)
	if err != nil {
		return reply{}, err
	}
	p := inboxPage{Messages: all}
	switch {
	case all == nil:
		p.Messages = []Waiting{}
	case more:
		p.Next = all[len(all)-1].Sequence + 1
	}
	return reply{status: http.StatusOK, body: p}, nil
}

type purged struct {
	Purged int `json:"purged"`
}

func (s *Server) purgeInbox(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	if err := parameters(c, "through"); err != nil {
		return reply{}, err
	}
	through, err := number(c, "through", 0, math.MaxInt64)
	if err != nil {
		return reply{}, err
	}
	if s.cfg.Inboxes == nil {
		return reply{}, ErrUnavailable
	}
	n, err := s.cfg.Inboxes.Purge(ctx, id, through)
	return reply{status: http.StatusOK, body: purged{n}}, err
}

func (s *Server) removeFromInbox(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	sequence, err := strconv.ParseUint(c.request.PathValue("sequence"), 10, 63)
	if err != nil || sequence == 0 {
		return reply{}, invalid("sequence", "It is no sequence")
	}
	if s.cfg.Inboxes == nil {
		return reply{}, ErrUnavailable
	}
	return reply{status: http.StatusNoContent}, s.cfg.Inboxes.Remove(ctx, id, sequence)
}
