package account

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// result is how a check of a password or a key ended; also the metric's label.
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
	keys          *prometheus.CounterVec
	unnoted       prometheus.Counter
	remembered    prometheus.Counter
}

func newStats(reg prometheus.Registerer, p *pool) (*stats, error) {
	s := &stats{
		verifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_account_verifications_total",
			Help: "Checks of a password, by how they ended.",
		}, []string{"result"}),
		keys: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_account_key_verifications_total",
			Help: "Checks of an API key, by how they ended.",
		}, []string{"result"}),
		remembered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_account_remembered_total",
			Help: "Passwords that were accepted without hashing them, since they were a moment ago.",
		}),
		unnoted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "limegrove_account_key_uses_unnoted_total",
			Help: "Uses of an API key that could not be noted as its last one.",
		}),
	}
	for _, r := range []result{resultAccepted, resultRefused, resultBusy, resultCanceled, resultError} {
		s.verifications.WithLabelValues(string(r))
	}
	for _, r := range []result{resultAccepted, resultRefused, resultCanceled, resultError} {
		s.keys.WithLabelValues(string(r))
	}
	if reg == nil {
		return s, nil
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_account_hashing",
		Help: "Passwords that are being hashed or wait for it.",
	}, func() float64 { return float64(len(p.places)) })
	for _, c := range []prometheus.Collector{s.verifications, s.keys, s.unnoted, s.remembered, waiting} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *stats) verified(err error) { s.verifications.WithLabelValues(string(resultOf(err))).Inc() }

func (s *stats) keyVerified(err error) { s.keys.WithLabelValues(string(resultOf(err))).Inc() }

func resultOf(err error) result {
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
	return r
}
