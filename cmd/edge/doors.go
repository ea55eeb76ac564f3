package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/edge/ticket"
	"limegrove/internal/config"
)

// doors are where clients come in.
type doors struct {
	webSocket  net.Listener
	tcp        net.Listener           // nil for none
	tls        *tls.Config            // for those who choose it over TCP; nil without a certificate
	handshakes *prometheus.CounterVec // of TLS, to be registered; nil without a certificate
	refused    prometheus.Counter     // likewise: handshakes that could not be
}

// openDoors opens the addresses for clients.
func openDoors(cfg config.Edge) (d doors, err error) {
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.webSocket, err = net.Listen("tcp", cfg.Listen); err != nil {
		return d, fmt.Errorf("-listen: %w", err)
	}
	if cfg.TCP != "" {
		if d.tcp, err = net.Listen("tcp", cfg.TCP); err != nil {
			return d, fmt.Errorf("-tcp: %w", err)
		}
	}
	if cfg.TLSCert == "" {
		return d, nil
	}
	certificate, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return d, fmt.Errorf("-tls-cert: %w", err)
	}
	d.tls = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12} // L-TRN-12
	if cfg.TLSClientCA != "" {
		if d.tls.ClientCAs, err = authorities(cfg.TLSClientCA); err != nil {
			return d, fmt.Errorf("-tls-client-ca: %w", err)
		}
		d.tls.ClientAuth = tls.VerifyClientCertIfGiven // one that does not hold ends the handshake
	}
	web := d.tls.Clone()
	web.NextProtos = []string{"http/1.1"}
	d.handshakes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_tls_handshakes_total", Help: "Handshakes of TLS, full or resumed from one before.",
	}, []string{"kind"})
	full, resumed := d.handshakes.WithLabelValues("full"), d.handshakes.WithLabelValues("resumed")
	told := func(again bool) {
		if again {
			resumed.Inc()
		} else {
			full.Inc()
		}
	}
	for _, one := range []*tls.Config{d.tls, web} {
		if err = ticket.Share(one, told); err != nil {
			return d, fmt.Errorf("-tls-key: %w", err)
		}
	}
	d.refused = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "limegrove_edge_tls_refused_total", Help: "Handshakes of TLS that were given up because too many others were under way.",
	})
	// All configurations that were made of this one share its certificates; the tickets' keys are made by now.
	d.tls.Certificates[0].PrivateKey = gated(certificate.PrivateKey, d.refused)
	d.webSocket = tls.NewListener(d.webSocket, web)
	return d, nil
}

// authorities reads the certificates of a PEM file.
func authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", file)
	}
	return pool, nil
}

// close closes them; it may be called after the clients were served.
func (d doors) close() {
	for _, ln := range []net.Listener{d.webSocket, d.tcp} {
		if ln != nil {
			_ = ln.Close() // it is closed already when it was served
		}
	}
}
