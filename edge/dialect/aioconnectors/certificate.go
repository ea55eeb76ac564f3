package aioconnectors

import (
	"context"
	"encoding/json"
	"strings"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

const kindCertificate = "_ssl"

// byCertificate is the introduction of a connector that is known by its certificate, or asks for one with the default
// certificate.
type byCertificate struct{}

var (
	noCertificate    = lime.NewReason(lime.CodeSessionAuthenticationFailed, "The certificate is of no connector")
	certificateGiven = lime.NewReason(lime.CodeSessionError, "The connector was given a certificate, and comes again")
)

// introduce is that of an introduction.
func (byCertificate) introduce(c *client, f *frame, from *dialect.Peer) (name string, why *lime.Reason) {
	id, byDefault, credential, ok := c.cfg.Certificates.Bearer(from.Certificates)
	switch {
	case !ok:
		return "", noCertificate
	case !byDefault:
		name, ok := c.cfg.ownName(id)
		if !ok || !isName(name) {
			return "", noCertificate
		}
		c.credential = credential
		return name, nil
	case string(f.header.text("message_type")) != kindCertificate:
		return "", errIgnored
	case json.Unmarshal(f.data, &c.wants) != nil || c.wants.Command != certificateNew:
		c.wants = wish{}
		return "", noCertificate
	}
	return nameIn(f)
}

// ownName is the name of the connector that an identity is; it is not ok for one of another domain.
func (c *Config) ownName(i lime.Identity) (name string, ok bool) {
	if !strings.EqualFold(i.Domain, c.Domain) {
		return "", false
	}
	name, err := lime.UnescapeName(i.Name)
	return name, err == nil
}

// giveCertificate gives the connector a certificate of its own and its key, with which it is to come again.
func (c *client) giveCertificate(ctx context.Context, id lime.Identity) error {
	certificate, key, err := c.cfg.Certificates.Issue(ctx, id)
	if err == nil {
		c.refused = certificateGiven
		c.parting = c.tell(kindCertificate, struct {
			Command string `json:"cmd"`
			Crt     string `json:"crt"`
			Key     string `json:"key"`
		}{"set_new_certificate", certificate, key})
	}
	return err
}
