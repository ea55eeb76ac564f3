package ticket

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Period is for how long tickets are made with one key. They are good for between one and
// two of these.
const Period = 12 * time.Hour

// Handshakes is told of each that has come so far that its client is known.
type Handshakes func(resumed bool)

// errForged says that a ticket of an edge's key tells of a client certificate, which no
// edge writes into one.
var errForged = errors.New("ticket: it tells of a client certificate")

// Share sets a server's configuration up for tickets that are good on every server with the
// same key in its first certificate. It takes cfg, whose GetConfigForClient, WrapSession,
// UnwrapSession and VerifyConnection must be unset, and sets these; cfg must not be cloned
// afterwards. told may be nil.
func Share(cfg *tls.Config, told Handshakes) error { return share(cfg, told, time.Now) }

func share(cfg *tls.Config, told Handshakes, now func() time.Time) error {
	if len(cfg.Certificates) == 0 {
		return errors.New("ticket: there is no certificate")
	}
	secret, err := x509.MarshalPKCS8PrivateKey(cfg.Certificates[0].PrivateKey)
	if err != nil {
		return fmt.Errorf("ticket: %w", err)
	}
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		if s.DidResume && len(s.PeerCertificates) > 0 {
			return errForged
		}
		if told != nil {
			told(s.DidResume)
		}
		return nil
	}
	without := cfg.Clone()
	without.SessionTicketsDisabled = true
	cfg.WrapSession = func(s tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		if len(s.PeerCertificates) > 0 {
			return noTicket(), nil
		}
		return cfg.EncryptTicket(s, session)
	}
	cfg.UnwrapSession = cfg.DecryptTicket
	keys := &keys{secret: secret, now: now, set: cfg.SetSessionTicketKeys}
	if err := keys.renew(); err != nil {
		return err
	}
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
			return without, nil
		}
		return nil, keys.renew()
	}
	return nil
}

// noTicket is what nobody can read. A handshake has to give something.
func noTicket() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	return b
}

// keys sets a configuration's keys anew when their time has come.
type keys struct {
	secret []byte
	now    func() time.Time
	set    func([][32]byte)

	mu     sync.Mutex
	period int64 // that the keys are of
}

// renew is called before each handshake.
func (k *keys) renew() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	period := k.now().Unix() / int64(Period/time.Second)
	if period == k.period {
		return nil
	}
	// The first is what tickets are made with.
	var all [][32]byte
	for _, p := range [...]int64{period, period - 1, period + 1} {
		key, err := derive(k.secret, p)
		if err != nil {
			return err
		}
		all = append(all, key)
	}
	k.set(all)
	k.period = period
	return nil
}
