package aioconnectors

import (
	"context"
	"encoding/json"
	"strings"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

const kindCertificate = "_ssl"

// maxCertified is how many bytes an identity may have that is given a certificate.
const maxCertified = 255

// byCertificate is the introduction of a connector that is known by its certificate, or asks for one with the default
// certificate.
type byCertificate struct{}

var (
	longName = lime.NewReason(lime.CodeValidationInvalidIdentity,
		"The name is too long for a certificate: with its capitals escaped and its domain it may have %d bytes", maxCertified)
	noCertificate    = lime.NewReason(lime.CodeSessionAuthenticationFailed, "The certificate is of no connector")
	certificateGiven = lime.NewReason(lime.CodeSessionError, "The connector was given a certificate, and comes again")
)

// introduce is that of an introduction.
func (byCertificate) introduce(c *client, f *frame, from *dialect.Peer) (name string, why *lime.Reason) {
	b, ok := from.Known.(Bearer) // since the handshake: it is not looked at again, and least by a loop
	switch {
	case !ok:
		return "", noCertificate
	case !b.Default:
		name, ok := c.cfg.ownName(b.Identity)
		if !ok || !isName(name) {
			return "", noCertificate
		}
		c.credential, c.expires = b.Credential, b.Expires
		return name, nil
	case string(f.header.text("message_type")) != kindCertificate:
		return "", errIgnored
	case json.Unmarshal(f.data, &c.wants) != nil || c.wants.Command != certificateNew:
		c.wants = wish{}
		return "", noCertificate
	}
	name, why = nameIn(f)
	if id, ok := c.cfg.identity(name); why == nil && ok && len(id.String()) > maxCertified {
		return "", longName
	}
	return name, why
}

// ownName is the name of the connector that an identity is. It is not ok for one of another domain, nor for one that is
// not spelled as ours are: another connector is called that.
func (c *Config) ownName(i lime.Identity) (name string, ok bool) {
	if !strings.EqualFold(i.Domain, c.Domain) {
		return "", false
	}
	name, err := lime.UnescapeName(i.Name)
	if err != nil {
		return "", false
	}
	own, ok := c.identity(name)
	return name, ok && own.EqualFold(i)
}

// giveCertificate gives the connector a certificate of its own and its key, with which it is to come again.
func (c *client) giveCertificate(ctx context.Context, id lime.Identity) error {
	certificate, key, back, err := c.cfg.Certificates.Issue(ctx, id)
	if err == nil {
		c.refused = certificateGiven
		c.gives(c.tell(kindCertificate, struct {
			Command string `json:"cmd"`
			Crt     string `json:"crt"`
			Key     string `json:"key"`
		}{"set_new_certificate", certificate, key}), back)
	}
	return err
}
