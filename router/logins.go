package router

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sirupsen/logrus"

	"limegrove/account"
	"limegrove/edge/auth"
	"limegrove/edge/auth/issuer"
	"limegrove/edge/auth/webhook"
	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/room"
)

// logins answers what edges ask of their sessions' credentials.
type logins struct {
	by    atomic.Pointer[auth.Schemes]                              // those in force
	rooms func(context.Context, lime.Identity) (room.Grants, error) // what somebody was granted
	names []string                                                  // of the schemes that are served
	log   logrus.FieldLogger
	warn  *complaint.Log
	ended *prometheus.CounterVec

	// Owned by who changes the schemes: what else goes on beside logins, of those in force and those before.
	ends, retired []interface{ Close() }
}

// close ends what logins have begun beside themselves. It needs that none comes any more.
func (l *logins) close() {
	for _, e := range slices.Concat(l.retired, l.ends) {
		e.Close()
	}
}

// use puts other schemes in force, of the same names. Logins that are under way end with those of before.
func (l *logins) use(schemes auth.Schemes) {
	for _, e := range l.retired {
		e.Close()
	}
	l.retired, l.ends = l.ends, nil
	for _, by := range schemes.By {
		if e, ok := by.(interface{ Close() }); ok {
			l.ends = append(l.ends, e)
		}
		if hook, ok := by.(*webhook.Webhook); ok {
			hook.Use()
		}
	}
	l.by.Store(&schemes)
}

func newLogins(log logrus.FieldLogger, warn *complaint.Log, metrics prometheus.Registerer, schemes auth.Schemes, rooms func(context.Context, lime.Identity) (room.Grants, error)) *logins {
	l := &logins{
		rooms: rooms, names: namesOf(schemes), log: log, warn: warn,
		ended: promauto.With(metrics).NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_router_logins_total",
			Help: "Logins that were looked at, by scheme and outcome: granted, busy, fault, or why they were refused.",
		}, []string{"scheme", "outcome"}),
	}
	for _, scheme := range l.names { // the others show when they come
		for _, outcome := range []auth.Outcome{auth.OutcomeGranted, auth.OutcomeCredentials, outcomeBusy, auth.OutcomeFault} {
			l.ended.WithLabelValues(scheme, string(outcome))
		}
	}
	l.use(schemes)
	return l
}

// namesOf are the names of schemes; of none, a worker would have its default.
func namesOf(schemes auth.Schemes) []string {
	names := []string{}
	for scheme := range schemes.By {
		names = append(names, string(scheme))
	}
	slices.Sort(names)
	return names
}

// schemes are the schemes that a router serves.
func schemes(cfg Config, accounts *account.Store, owners auth.Owners) (auth.Schemes, error) {
	s := auth.Schemes{Domains: cfg.Domains}
	s.By = map[auth.Scheme]auth.Authenticator{
		auth.SchemeGuest:     auth.Guest{Accounts: accounts},
		auth.SchemePlain:     auth.Plain{Verifier: accounts},
		auth.SchemeKey:       auth.Key{Keys: keyring{accounts}},
		auth.SchemeTransport: transport(cfg, owners, s.Serves),
	}
	if len(cfg.Issuers) > 0 {
		issuers, err := issuer.New(owners, cfg.Issuers)
		if err != nil {
			return s, err
		}
		s.By[auth.SchemeExternal] = issuers
	}
	if len(cfg.WebhookSchemes) > 0 {
		hook := cfg.Webhook
		hook.Owners, hook.Serves, hook.Metrics = owners, s.Serves, cfg.Metrics
		asks, err := webhook.New(hook)
		if err != nil {
			return s, err
		}
		for _, scheme := range cfg.WebhookSchemes {
			s.By[scheme] = asks
		}
	}
	return s, nil
}

// busyAnswer is for a login that finds too many others, or has waited for too long.
var busyAnswer = []byte(`{"fault":true,"reason":{"code":11,"description":"Too many logins wait; try again later"}}`)

// outcomeBusy is that of a login that found too many others. It may succeed later.
const outcomeBusy auth.Outcome = "busy"

// answer answers one login.
func (l *logins) answer(ctx context.Context, question []byte) []byte {
	var q auth.Request
	if err := json.Unmarshal(question, &q); err != nil {
		return l.text(auth.Answer{Reason: lime.NewReason(lime.CodeSessionAuthenticationFailed, "The login cannot be read")})
	}
	grant, err := l.by.Load().Authenticate(ctx, q)
	if err == nil && !grant.Guest {
		grant.Granted, err = l.rooms(ctx, grant.Identity)
	}
	return l.answerOf(q.Scheme, grant, err)
}

// answerGuests answers about several guests, an identity in a line each, in as many lines: auth.LetIn for each that
// is let in as it is spelt.
func (l *logins) answerGuests(ctx context.Context, questions []byte) []byte {
	lines := bytes.Split(questions, []byte("\n"))
	all := make([]auth.Request, len(lines))
	for i, line := range lines {
		all[i].Scheme = auth.SchemeGuest
		// What is none is of nobody, and refused.
		all[i].Node.Identity, _ = lime.ParseIdentity(string(line))
	}
	var answers []byte
	for i, g := range l.by.Load().AuthenticateGuests(ctx, all) {
		if i > 0 {
			answers = append(answers, '\n')
		}
		if g.Err == nil {
			l.count(auth.SchemeGuest, auth.OutcomeGranted)
			answers = append(answers, auth.LetIn...)
			continue
		}
		answers = append(answers, l.answerOf(auth.SchemeGuest, g.Grant, g.Err)...)
	}
	return answers
}

// answerOf is what is answered to a login, which it counts.
func (l *logins) answerOf(scheme auth.Scheme, grant auth.Grant, err error) []byte {
	outcome := auth.OutcomeOf(err)
	if errors.Is(err, account.ErrBusy) || errors.Is(err, webhook.ErrBusy) {
		outcome = outcomeBusy
	}
	l.count(scheme, outcome)
	if outcome == outcomeBusy {
		return busyAnswer
	}
	if err != nil {
		grant = auth.Grant{}
	}
	a := auth.Answer{Grant: grant, Reason: lime.AsReason(err)}
	if err != nil && a.Reason == nil {
		l.warn.Warn("a login could not be checked", err)
		a.Fault = true
		a.Reason = lime.NewReason(lime.CodeSessionError, "The credentials cannot be checked now")
	}
	return l.text(a)
}

// count counts a login. What edges ask for that is not served has one label.
func (l *logins) count(s auth.Scheme, outcome auth.Outcome) {
	if !slices.Contains(l.names, string(s)) {
		s = "other"
	}
	l.ended.WithLabelValues(string(s), string(outcome)).Inc()
}

func (l *logins) text(a auth.Answer) []byte {
	text, err := json.Marshal(a)
	if err != nil {
		l.warn.Error("a login's answer cannot be written", err)
	}
	return text
}
