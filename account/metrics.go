package account

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// result is how a check of a password ended; also the metric's label.
type result string

const (
	resultAccepted result = "accepted"
	resultRefused  result = "refused"  // ErrCredentials
	resultBusy     result = "busy"     // the queue was full
	resultCanceled result = "canceled" // the caller went away while it waited
	resultError    result = "error"    // ours
)

type stats struct {
	verifications *prometheus.CounterVec
}

func newStats(reg prometheus.Registerer, p *pool) (*stats, error) {
	s := &stats{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_account_verifications_total",
		Help: "Checks of a password, by how they ended.",
	}, []string{"result"})}
	for _, r := range []result{resultAccepted, resultRefused, resultBusy, resultCanceled, resultError} {
		s.verifications.WithLabelValues(string(r))
	}
	if reg == nil {
		return s, nil
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_account_hashing",
		Help: "Passwords that are being hashed or wait for it.",
	}, func() float64 { return float64(len(p.places)) })
	if err := reg.Register(s.verifications); err != nil {
		return nil, err
	}
	return s, reg.Register(waiting)
}

func (s *stats) verified(err error) {
	r := resultError
	switch {
	case err == nil:
		r = resultAccepted
	case errors.Is(err, ErrCredentials):
		r = resultRefused
	case errors.Is(err, ErrBusy):
		r = resultBusy
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		r = resultCanceled
	}
	s.verifications.WithLabelValues(string(r)).Inc()
}
