package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/certs"
	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/edge/ticket"
	"limegrove/internal/config"
)

// doors are where clients come in.
type doors struct {
	webSocket  net.Listener
	tcp        net.Listener           // nil for none
	files      net.Listener           // likewise
	connectors net.Listener           // of aioconnectors; nil for none
	tls        *tls.Config            // for those who choose it over TCP; nil without a certificate
	handshakes *prometheus.CounterVec // of TLS, to be registered; nil without a certificate
	refused    prometheus.Counter     // likewise: handshakes that could not be
	expiry     prometheus.Collector   // likewise: when the certificate ends

	inForce *inForce // nil without a certificate
}

// inForce is with what clients shake hands that come from now on.
type inForce struct {
	web, tcp atomic.Pointer[tls.Config]
	trust    atomic.Pointer[certs.Trust]
	revoked  revoked
}

// openDoors opens the addresses for clients, who are served in TLS with credentials, if there are any.
func openDoors(cfg config.Edge, with *process.Credentials) (d doors, err error) {
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
	if cfg.Files.Listen != "" {
		if d.files, err = net.Listen("tcp", cfg.Files.Listen); err != nil {
			return d, fmt.Errorf("-files: %w", err)
		}
	}
	if a := cfg.AioConnectors; a.Address != "" {
		if d.connectors, err = net.Listen("tcp", a.Address); err != nil {
			return d, fmt.Errorf("-aioconnectors: %w", err)
		}
	}
	if with == nil {
		return d, nil
	}
	d.handshakes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_edge_tls_handshakes_total", Help: "Handshakes of TLS, full or resumed from one before.",
	}, []string{"kind"})
	d.refused = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "limegrove_edge_tls_refused_total", Help: "Handshakes of TLS that were given up because too many others were under way.",
	})
	d.inForce = new(inForce)
	d.inForce.revoked.wanted = cfg.Authority.On()
	d.expiry = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "limegrove_edge_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate that clients are shown expires, in seconds of Unix time.",
	}, func() float64 { return float64(d.inForce.tcp.Load().Certificates[0].Leaf.NotAfter.Unix()) })
	change, err := d.change(with)
	if err != nil {
		return d, err
	}
	change()
	d.tls = chosen(&d.inForce.tcp)
	d.webSocket = edge.ListenTLS(d.webSocket, chosen(&d.inForce.web))
	if d.files != nil {
		d.files = tls.NewListener(d.files, chosen(&d.inForce.web))
	}
	if d.connectors != nil && cfg.AioConnectors.TLS && !cfg.AioConnectors.Certificates { // see connectors.door
		d.connectors = tls.NewListener(d.connectors, d.tls)
	}
	return d, nil
}

// chosen is a configuration that has each handshake be by the one that is in force when it begins.
func chosen(of *atomic.Pointer[tls.Config]) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c := of.Load()
			if other, err := c.GetConfigForClient(hello); other != nil || err != nil {
				return other, err
			}
			return c, nil
		},
	}
}

// change returns what has clients be served with other credentials, of doors that were opened with some.
func (d doors) change(with *process.Credentials) (apply func(), err error) {
	overTCP := &tls.Config{Certificates: []tls.Certificate{with.Certificate}, MinVersion: tls.VersionTLS12} // L-TRN-12
	trust := certs.NewTrust(with.Own, with.Clients, &d.inForce.revoked)
	if trust.Any() {
		trust.Server(overTCP) // a certificate that does not hold ends the handshake
	}
	web := overTCP.Clone()
	web.NextProtos = []string{"http/1.1"}
	full, resumed := d.handshakes.WithLabelValues("full"), d.handshakes.WithLabelValues("resumed")
	told := func(again bool) {
		if again {
			resumed.Inc()
		} else {
			full.Inc()
		}
	}
	for _, one := range []*tls.Config{overTCP, web} {
		if err = ticket.Share(one, told); err != nil {
			return nil, fmt.Errorf("-tls-key: %w", err)
		}
	}
	// All configurations that were made of this one share its certificates; the tickets' keys are made by now.
	overTCP.Certificates[0].PrivateKey = gated(with.Certificate.PrivateKey, d.refused)
	return func() {
		d.inForce.trust.Store(trust)
		d.inForce.tcp.Store(overTCP)
		d.inForce.web.Store(web)
	}, nil
}

// close closes them; it may be called after the clients were served.
func (d doors) close() {
	for _, ln := range []net.Listener{d.webSocket, d.tcp, d.files, d.connectors} {
		if ln != nil {
			_ = ln.Close() // it is closed already when it was served
		}
	}
}
