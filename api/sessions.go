package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"limegrove/lime"
)

func (s *Server) sessionsOf(ctx context.Context, c *call, known ...string) (lime.Identity, []Session, lime.Presence, error) {
	id, err := s.ofPath(c)
	if err == nil {
		err = parameters(c, known...)
	}
	if err == nil && s.cfg.Sessions == nil {
		err = ErrUnavailable
	}
	if err != nil {
		return id, nil, lime.Presence{}, err
	}
	all, shown, err := s.cfg.Sessions.Of(ctx, id)
	return id, all, shown, err
}

func (s *Server) getPresence(ctx context.Context, c *call) (reply, error) {
	_, _, shown, err := s.sessionsOf(ctx, c)
	return reply{status: http.StatusOK, body: shown}, err
}

type sessionList struct {
	Sessions []Session `json:"sessions"`
}

func (s *Server) listSessions(ctx context.Context, c *call) (reply, error) {
	_, all, _, err := s.sessionsOf(ctx, c)
	if all == nil {
		all = []Session{}
	}
	return reply{status: http.StatusOK, body: sessionList{all}}, err
}

type endedList struct {
	Ended []string `json:"ended"` // instances
}

// endSessions ends all sessions of an identity.
func (s *Server) endSessions(ctx context.Context, c *call) (reply, error) {
	id, all, _, err := s.sessionsOf(ctx, c, "code", "description")
	if err != nil {
		return reply{}, err
	}
	return s.endAll(ctx, c, id, all)
}

// endSession ends that at one instance.
func (s *Server) endSession(ctx context.Context, c *call) (reply, error) {
	id, all, _, err := s.sessionsOf(ctx, c, "code", "description")
	if err != nil {
		return reply{}, err
	}
	for _, one := range all {
		if strings.EqualFold(one.Instance, c.request.PathValue("instance")) {
			return s.endAll(ctx, c, id, []Session{one})
		}
	}
	return reply{}, ErrNotFound
}

// maxReason is how many bytes the description of a reason has.
const maxReason = 256

// reason is what sessions are told.
func (c *call) reason() (*lime.Reason, error) {
	why := &lime.Reason{Code: lime.CodeSessionError, Description: "The session was ended by the platform"}
	q := c.request.URL.Query()
	if text := q.Get("code"); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return nil, invalid("code", "It is no reason code")
		}
		why.Code = lime.Code(n)
	}
	if text := q.Get("description"); text != "" {
		if len(text) > maxReason {
			return nil, invalid("description", "It has more than %d bytes", maxReason)
		}
		why.Description = text
	}
	return why, nil
}

func (s *Server) endAll(ctx context.Context, c *call, id lime.Identity, all []Session) (reply, error) {
	why, err := c.reason()
	if err != nil {
		return reply{}, err
	}
	errs := make([]error, len(all))
	var ending sync.WaitGroup
	for i := range all {
		ending.Go(func() { errs[i] = s.cfg.Sessions.End(ctx, id, all[i], why) })
	}
	ending.Wait()
	ended := []string{}
	for i := range all {
		if errs[i] == nil {
			ended = append(ended, all[i].Instance)
		} else {
			err = errs[i]
		}
	}
	if len(ended) == 0 && err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: endedList{ended}}, nil
}
