package main

import (
	"crypto"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// signer is the key of a certificate, with which a few handshakes sign at once: with an RSA key it is most of what one
// costs. Very many clients that shake hands would take all processors from the sessions that there are; so they wait for each other
// instead. What waits is bounded, and so is its time.
type signer struct {
	crypto.Signer
	places  chan struct{} // one for each that signs
	waiting chan struct{} // one for each that signs or waits
	refused prometheus.Counter
}

const (
	// maxSigning bounds those that wait to sign.
	maxSigning = 1024

	// signPatience is how long one waits. It is below what a connection has for its handshake.
	signPatience = 5 * time.Second
)

var errHandshakes = errors.New("too many clients shake hands")

// gated has all but one of the processors, or the only one, sign at once. What cannot sign is left as it is.
func gated(key crypto.PrivateKey, refused prometheus.Counter) crypto.PrivateKey {
	s, ok := key.(crypto.Signer)
	if !ok {
		return key
	}
	places := max(1, runtime.GOMAXPROCS(0)-1)
	return &signer{Signer: s, places: make(chan struct{}, places), waiting: make(chan struct{}, places+maxSigning), refused: refused}
}

// Sign is that of crypto.Signer.
func (s *signer) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		s.refused.Inc()
		return nil, errHandshakes
	}
	select {
	case s.places <- struct{}{}:
	default:
		if !s.wait() {
			s.refused.Inc()
			return nil, errHandshakes
		}
	}
	defer func() { <-s.places }()
	return s.Signer.Sign(random, digest, opts)
}

// wait tells whether there is a place soon enough.
func (s *signer) wait() bool {
	late := time.NewTimer(signPatience)
	defer late.Stop()
	select {
	case s.places <- struct{}{}:
		return true
	case <-late.C:
		return false
	}
}
