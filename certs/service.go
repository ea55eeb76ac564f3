package certs

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

	"limegrove/lime"
)

// Request asks for a certificate. Who sends it answers for it that the identity is that of who asks, or that a default certificate
// was shown: it comes of the cluster's own processes alone.
type Request struct {
	Identity lime.Identity `json:"identity"`

	// First says that who asks has shown the default certificate: the name must be free. Else it is the identity itself.
	First bool `json:"first,omitempty"`
	// Lapses says, with First, that a name is free when the last certificate for it has been over for an hour, as that of somebody who
	// is known by it alone.
	Lapses bool `json:"lapses,omitempty"`
	// Operator says that the operator asks: what was revoked a moment ago is no hindrance.
	Operator bool `json:"operator,omitempty"`

	// CSR is a request for a certificate in PEM, of MaxRequest bytes at most. Without it, and without Adopt, a key
	// is made as well: for protocols whose server makes it.
	CSR string `json:"request,omitempty"`
	// Adopt is a certificate in PEM that is there already, and becomes the identity's.
	Adopt string `json:"adopt,omitempty"`
	// SelfSigned has a certificate be signed by its own key: it is known by its fingerprint, and the authority
	// is not needed. Not with CSR.
	SelfSigned bool `json:"selfSigned,omitempty"`
	// Lifetime is for how long it is good. Default the Service's; its authority's end comes first.
	Lifetime time.Duration `json:"lifetime,omitempty"`
}

// Issued is a certificate and what belongs to it.
type Issued struct {
	Certificate
	PEM         string `json:"certificate"`           // the certificate
	Key         string `json:"key,omitempty"`         // its key, PKCS #8 in PEM, where the service has made it
	Authorities string `json:"authorities,omitempty"` // all that our processes believe, in PEM
}

// Format writes what was issued without its key, whatever the verb.
func (i Issued) Format(f fmt.State, _ rune) {
	// An error of f is that of the writer behind fmt, which reports it itself.
	_, _ = fmt.Fprintf(f, "certificate %s of %q", i.Serial, i.Identity)
}

// Issuer issues certificates: a Service, or who asks one. An error that is a *lime.Reason is for who asks.
type Issuer interface {
	Issue(ctx context.Context, r Request) (*Issued, error)
	Revoke(ctx context.Context, i lime.Identity, free bool, why string) ([]Certificate, error)
}

// ServiceConfig is what a Service is made of.
type ServiceConfig struct {
	Registry *Registry // required

	// Lifetime of clients' certificates. Default ClientLifetime.
	Lifetime time.Duration

	// FirstRate is how many a second are issued their first certificate, of all that ask here, and FirstBurst how many at once.
	// Defaults 20 and 200; negative for no limit.
	FirstRate, FirstBurst int

	// Taken tells whether a name is somebody's who needs no certificate, as an account is. free says that the operator has
	// given it free since somebody had it. Default nobody's.
	Taken func(ctx context.Context, i lime.Identity, free bool) (bool, error)

	Logger  logrus.FieldLogger    // required
	Metrics prometheus.Registerer // default none
}

// Service issues and revokes certificates. Its methods may be called from anywhere.
type Service struct {
	cfg    ServiceConfig
	folder atomic.Pointer[Folder]
	first  *rate.Limiter // nil for no limit
	issued *prometheus.CounterVec
}

// The outcomes of requests, as labels of limegrove_certificates_issued_total.
const (
	outcomeFirst    = "first"    // by the default certificate
	outcomeRenewed  = "renewed"  // to the identity itself
	outcomeOperator = "operator" // to the operator
	outcomeTaken    = "taken"    // refused: the name is somebody's
	outcomeRate     = "rate"     // refused: too many are new
	outcomeRefused  = "refused"  // for another reason that who asks is told
	outcomeFault    = "fault"    // ours
)

// ErrRate says that too many ask for their first certificate at the same time. They may ask again.
var ErrRate error = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many ask for a certificate; try again later"}

// NewService makes a service. Without a folder that can sign it issues what needs no authority alone.
func NewService(cfg ServiceConfig, f *Folder) *Service {
	if cfg.Lifetime <= 0 {
		cfg.Lifetime = ClientLifetime
	}
	if cfg.FirstRate == 0 {
		cfg.FirstRate = 20
	}
	if cfg.FirstBurst == 0 {
		cfg.FirstBurst = 200
	}
	s := &Service{cfg: cfg, issued: promauto.With(cfg.Metrics).NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_certificates_issued_total",
		Help: "Certificates that were asked for, by outcome: first, renewed, operator, or why there was none: taken, rate, refused, fault.",
	}, []string{"outcome"})}
	for _, outcome := range []string{outcomeFirst, outcomeRenewed, outcomeOperator, outcomeTaken, outcomeRate, outcomeRefused, outcomeFault} {
		s.issued.WithLabelValues(outcome)
	}
	if cfg.FirstRate > 0 {
		s.first = rate.NewLimiter(rate.Limit(cfg.FirstRate), max(cfg.FirstBurst, 1))
	}
	s.Use(f)
	return s
}

var _ Issuer = (*Service)(nil)

// Asks has taken tell whether a name is somebody's, as ServiceConfig.Taken does. It is called before the service is used.
func (s *Service) Asks(taken func(ctx context.Context, i lime.Identity, free bool) (bool, error)) {
	s.cfg.Taken = taken
}

// Use puts another folder in force.
func (s *Service) Use(f *Folder) { s.folder.Store(f) }

// Registry is what the service notes certificates in.
func (s *Service) Registry() *Registry { return s.cfg.Registry }

// Issue is that of Issuer. Nothing leaves before the registry has noted it.
func (s *Service) Issue(ctx context.Context, r Request) (*Issued, error) {
	i, err := s.issue(ctx, &r)
	s.issued.WithLabelValues(outcomeOf(&r, err)).Inc()
	if err != nil {
		return nil, fmt.Errorf("issue a certificate to %s: %w", r.Identity, err)
	}
	log := s.cfg.Logger.WithFields(logrus.Fields{"identity": r.Identity.String(), "serial": string(i.Serial)})
	if r.First {
		log.Info("a certificate was issued by the default one")
	} else {
		log.Info("a certificate was issued")
	}
	return i, nil
}

func outcomeOf(r *Request, err error) string {
	switch {
	case errors.Is(err, ErrRate):
		return outcomeRate
	case errors.Is(err, ErrTaken):
		return outcomeTaken
	case lime.AsReason(err) != nil:
		return outcomeRefused
	case err != nil:
		return outcomeFault
	case r.First:
		return outcomeFirst
	case r.Operator:
		return outcomeOperator
	}
	return outcomeRenewed
}

func (s *Service) issue(ctx context.Context, r *Request) (*Issued, error) {
	if err := CheckIdentity(r.Identity); err != nil {
		return nil, err
	}
	by := again
	switch {
	case r.First:
		by = first
		if r.Lapses {
			by = lapsing
		}
		h, err := s.cfg.Registry.holder(ctx, r.Identity)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		nobody := by.isFree(&h, now)
		switch {
		case !nobody: // a name that somebody has costs no signature, and nothing of what others may
			if own, err := asksAgain(r, &h, now); err != nil {
				return nil, err
			} else if !own {
				return nil, ErrTaken
			}
		case nobody && s.cfg.Taken != nil:
			taken, err := s.cfg.Taken(ctx, r.Identity, h.Free)
			if err != nil {
				return nil, err
			}
			if taken {
				return nil, ErrTaken
			}
		}
		if s.first != nil && !s.first.Allow() {
			return nil, ErrRate
		}
	case r.Operator:
		by = byOperator
	}
	f := s.folder.Load()
	issued, err := s.make(r, f)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Registry.note(ctx, &issued.Certificate, by); err != nil {
		// The answer may be lost, and nothing else.
		if lime.AsReason(err) != nil {
			return nil, err
		}
		h, unread := s.cfg.Registry.holder(ctx, r.Identity)
		if unread != nil || !contains(h.Certificates, issued.Serial) {
			return nil, err
		}
	}
	issued.Authorities = string(f.authorities())
	return issued, nil
}

// asksAgain tells whether who asks is the holder of a name, whose answer was lost: by its key.
func asksAgain(r *Request, h *holder, now time.Time) (bool, error) {
	if r.CSR == "" {
		return false, nil
	}
	public, err := publicOf([]byte(r.CSR))
	if err != nil {
		return false, err
	}
	key, err := KeyHash(public)
	return err == nil && h.isOf(key, now), err
}

// make makes what is asked for.
func (s *Service) make(r *Request, f *Folder) (*Issued, error) {
	lifetime := r.Lifetime
	if lifetime <= 0 {
		lifetime = s.cfg.Lifetime
	}
	var c *x509.Certificate
	var key []byte
	by := f.authority()
	switch {
	case r.Adopt != "":
		all, err := ParseCertificates([]byte(r.Adopt))
		if err != nil || len(r.Adopt) > MaxRequest || len(all) != 1 {
			return nil, lime.NewReason(lime.CodeCommandInvalidArgument, "There is no certificate in PEM, or more than one")
		}
		c, by = all[0], nil
	case r.CSR != "":
		if by == nil {
			return nil, errNoAuthority
		}
		public, err := publicOf([]byte(r.CSR))
		if err != nil {
			return nil, err
		}
		if c, err = by.Client(r.Identity, public, lifetime); err != nil {
			return nil, err
		}
	default:
		made, err := newKey()
		if err != nil {
			return nil, err
		}
		if key, err = EncodeKey(made); err != nil {
			return nil, err
		}
		switch {
		case r.SelfSigned:
			c, err = selfSigned(r.Identity, made, lifetime)
			by = nil
		case by == nil:
			return nil, errNoAuthority
		default:
			c, err = by.Client(r.Identity, made.Public(), lifetime)
		}
		if err != nil {
			return nil, err
		}
	}
	return &Issued{Certificate: describe(r.Identity, c, by), PEM: string(EncodeCertificates(c)), Key: string(key)}, nil
}

// Revoke is that of Issuer, and of Registry.
func (s *Service) Revoke(ctx context.Context, i lime.Identity, free bool, why string) ([]Certificate, error) {
	return s.cfg.Registry.Revoke(ctx, i, free, why)
}

// TakeBack is that of Registry.
func (s *Service) TakeBack(ctx context.Context, i lime.Identity, keyHash string) error {
	return s.cfg.Registry.TakeBack(ctx, i, keyHash)
}

// Run removes revocations that are over, now and then, until ctx is done.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := s.cfg.Registry.Tidy(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.WithError(err).Warn("could not remove revocations that are over")
		}
	}
}

// order is what a Remote asks of a Service.
type order struct {
	Issue  *Request      `json:"issue,omitempty"`
	Revoke lime.Identity `json:"revoke,omitzero"`
	Free   bool          `json:"free,omitempty"`
	Why    string        `json:"why,omitempty"`

	TakeBack lime.Identity `json:"takeBack,omitzero"`
	KeyHash  string        `json:"keyHash,omitempty"`
}

// answer is what it says.
type answer struct {
	Issued  *Issued       `json:"issued,omitempty"`
	Revoked []Certificate `json:"revoked,omitempty"`
	Reason  *lime.Reason  `json:"reason,omitempty"`
	Fault   bool          `json:"fault,omitempty"` // the reason is ours
}

// Answer answers what a Remote asks, which is one of the cluster's own processes. It borrows question.
func (s *Service) Answer(ctx context.Context, question []byte) []byte {
	var o order
	var a answer
	err := json.Unmarshal(question, &o)
	switch {
	case err != nil:
		err = lime.NewReason(lime.CodeCommandInvalidArgument, "The question cannot be read")
	case o.Issue != nil:
		a.Issued, err = s.Issue(ctx, *o.Issue)
	case !o.TakeBack.IsZero():
		err = s.TakeBack(ctx, o.TakeBack, o.KeyHash)
	default:
		a.Revoked, err = s.Revoke(ctx, o.Revoke, o.Free, o.Why)
	}
	if err != nil {
		a = answer{Reason: lime.AsReason(err)}
		if a.Reason == nil {
			s.cfg.Logger.WithError(err).Warn("a certificate could not be issued or revoked")
			a.Reason, a.Fault = lime.NewReason(lime.CodeGeneralError, "Certificates cannot be issued or revoked now"), true
		}
	}
	text, err := json.Marshal(a)
	if err != nil {
		s.cfg.Logger.WithError(err).Error("an answer about a certificate cannot be written")
	}
	return text
}

// Remote asks any process that has a Service.
type Remote struct {
	// Ask brings a question there, and its answer back. It borrows question.
	Ask func(ctx context.Context, question []byte) (answer []byte, err error)
}

var _ Issuer = Remote{}

// ErrFault is matched by the error of a request that a Service could not look at. There is a reason in it, too.
var ErrFault = errors.New("the authority cannot be asked")

// Issue is that of Issuer.
func (r Remote) Issue(ctx context.Context, q Request) (*Issued, error) {
	a, err := r.ask(ctx, order{Issue: &q})
	if err == nil && a.Issued == nil {
		err = errors.New("the answer has no certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("issue a certificate to %s: %w", q.Identity, err)
	}
	return a.Issued, nil
}

// Revoke is that of Issuer.
func (r Remote) Revoke(ctx context.Context, i lime.Identity, free bool, why string) ([]Certificate, error) {
	a, err := r.ask(ctx, order{Revoke: i, Free: free, Why: why})
	if err != nil {
		return nil, fmt.Errorf("revoke certificates of %s: %w", i, err)
	}
	return a.Revoked, nil
}

// TakeBack is that of Registry.
func (r Remote) TakeBack(ctx context.Context, i lime.Identity, keyHash string) error {
	if _, err := r.ask(ctx, order{TakeBack: i, KeyHash: keyHash}); err != nil {
		return fmt.Errorf("take a certificate of %s back: %w", i, err)
	}
	return nil
}

func (r Remote) ask(ctx context.Context, o order) (a answer, err error) {
	question, err := json.Marshal(o)
	if err != nil {
		return a, err
	}
	text, err := r.Ask(ctx, question)
	if err != nil {
		return a, err
	}
	defer clear(text)
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("read the answer: %w", err)
	}
	switch {
	case a.Reason != nil && a.Fault:
		return a, fmt.Errorf("%w: %w", ErrFault, a.Reason)
	case a.Reason != nil:
		return a, a.Reason
	}
	return a, nil
}
