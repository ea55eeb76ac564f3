package admin

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
)

// Check tells why the process cannot take clients; nil if, as far as it knows, it
// can. It is given a context with the time it has, and returns when that is over.
type Check func(ctx context.Context) error

// Drain is a check that fails from Start on. The zero Drain is ready.
type Drain struct{ draining atomic.Bool }

// errDraining is what a draining process answers.
var errDraining = errors.New("draining")

// Start makes the check fail; it may be called twice.
func (d *Drain) Start() { d.draining.Store(true) }

// Check is the check.
func (d *Drain) Check(context.Context) error {
	if d.draining.Load() {
		return errDraining
	}
	return nil
}

// readiness is the body of /readyz.
type readiness struct {
	Ready  bool              `json:"ready"`
	Failed map[string]string `json:"failed,omitempty"` // check to error
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	answer := s.ask(r.Context())
	code := http.StatusOK
	if !answer.Ready {
		code = http.StatusServiceUnavailable
	}
	s.writeJSON(w, code, answer)
}

// ask runs all checks together and waits for them.
func (s *Server) ask(ctx context.Context) readiness {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CheckTimeout)
	defer cancel()
	var (
		wait   sync.WaitGroup
		mu     sync.Mutex
		failed = map[string]string{}
	)
	for name, check := range s.cfg.Checks {
		wait.Go(func() {
			if err := check(ctx); err != nil {
				mu.Lock()
				failed[name] = err.Error()
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return readiness{Ready: len(failed) == 0, Failed: failed}
}
