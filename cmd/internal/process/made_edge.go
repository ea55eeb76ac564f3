package process

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"limegrove/certs"
	"limegrove/edge/dialect/hightemplar"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/room"
)

// MadeEdge is what an edge's configuration names, read.
type MadeEdge struct {
	Made
	TLS     *Credentials // nil without TLS
	Headers []hightemplar.Header
	Service lime.Identity // of connectors; zero for none
}

// Credentials are an edge's certificate and whom it asks for theirs.
type Credentials struct {
	Certificate tls.Certificate
	Clients     []*x509.Certificate // authorities of others
	Own         *certs.Folder       // the cluster's own; nil for none
}

// MakeEdge reads what an edge's configuration names, and connects to nobody. An error is bad usage.
func MakeEdge(cfg config.Edge) (m MadeEdge, err error) {
	if m.Made, err = Make(cfg.Shared, cfg.API, cfg.RunRouter); err != nil {
		return m, err
	}
	if m.Rules, err = EdgeRoomRules(cfg); err != nil {
		return m, err
	}
	if cfg.TLSCert != "" {
		if m.TLS, err = ReadCredentials(cfg); err != nil {
			return m, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		m.TLS.Own = m.Authority
	}
	if a := cfg.AioConnectors; a.Address != "" && a.Service != "" {
		if m.Service, err = lime.ParseIdentity(a.Service); err != nil {
			return m, fmt.Errorf("%w: -aioconnectors-service: %w", ErrUsage, err)
		}
	}
	if cfg.HighTemplar.Path != "" {
		for _, text := range cfg.HighTemplar.Headers {
			header, err := hightemplar.ParseHeader(text)
			if err != nil {
				return m, fmt.Errorf("%w: -hightemplar-header: %w", ErrUsage, err)
			}
			m.Headers = append(m.Headers, header)
		}
	}
	return m, nil
}

// EdgeRoomRules reads the rules of rooms. The chat page has rooms for everybody, which keep their last messages, unless
// -room-rules says who may enter what.
func EdgeRoomRules(cfg config.Edge) (room.Rules, error) {
	if !cfg.Pages || cfg.RoomRules != "" {
		return RoomRules(cfg.RoomRules)
	}
	at, err := room.Path("chat", "*")
	if err != nil {
		return nil, err
	}
	return room.Rules{{Room: at, Who: room.Everyone, May: room.Enter | room.Publish, History: &room.History{Count: 200}}}, nil
}

// ReadCredentials reads an edge's certificate, and those of the authorities of its clients'.
func ReadCredentials(cfg config.Edge) (*Credentials, error) {
	var c Credentials
	var err error
	if c.Certificate, err = tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey); err != nil {
		return nil, fmt.Errorf("-tls-cert: %w", err)
	}
	if cfg.TLSClientCA != "" {
		if c.Clients, err = authorities(cfg.TLSClientCA); err != nil {
			return nil, fmt.Errorf("-tls-client-ca: %w", err)
		}
	}
	return &c, nil
}

// authorities reads the certificates of a PEM file.
func authorities(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all, err := certs.ParseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s has no certificate: %w", file, err)
	}
	return all, nil
}
