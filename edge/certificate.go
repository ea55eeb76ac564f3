package edge

import (
	"crypto/tls"
	"crypto/x509"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// Authority tells whose the certificates are that clients have shown. It does not block.
type Authority interface {
	// Bearer tells whose a certificate is, the first of chain, that the handshake has verified. It returns nil when that
	// is not believed any more. Of an authority outside it says nothing: its names are looked at.
	Bearer(chain []*x509.Certificate) *auth.Certificate

	// Revoked tells whether any certificate of a chain was revoked.
	Revoked(chain []*x509.Certificate) bool
}

// chain are the certificates that the client has shown of itself in TLS; none when that was nothing,
// or there is no TLS. The handshake has verified them: one that does not hold has ended it.
func (c *conn) chain() []*x509.Certificate {
	secure, ok := c.socket.NetConn().(interface{ ConnectionState() tls.ConnectionState })
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	if len(state.VerifiedChains) == 0 && c.edge.cfg.Load().Authority == nil { // which looks at them itself
		return nil
	}
	return state.PeerCertificates
}

// certificate is what the client has shown of itself in TLS; nil when that was nothing.
func (c *conn) certificate() *auth.Certificate {
	chain := c.chain()
	if len(chain) == 0 {
		return nil
	}
	if own := c.edge.cfg.Load().Authority; own != nil {
		known := own.Bearer(chain)
		if known == nil || known.Default || !known.Identity.IsZero() {
			return known
		}
	}
	return &auth.Certificate{Names: certificateNames(chain[0]), Expires: chain[0].NotAfter}
}

// certified tells whether the client has shown a certificate. outlet.
func (c *conn) certified() bool { return c.certificate() != nil }

// Revoked has the connections end that were begun with a certificate that Config.Authority says is revoked by now. It may be
// called from anywhere, and does not wait for them. It looks at each connection once: certificates are rarely revoked.
func (e *Edge) Revoked() {
	own := e.cfg.Load().Authority
	if own == nil {
		return
	}
	for _, s := range e.loops.Conns() {
		withClient(s, func(c *conn) {
			if c.hasShaken() && own.Revoked(c.chain()) {
				c.edge.metrics.revoked.Inc()
				c.session.fail(lime.CodeSessionAuthenticationFailed, "The certificate was revoked")
			}
		})
	}
}

// hasShaken tells whether TLS is there, if it is to be: to ask for its state before waits for the client. Who shakes hands still is
// looked at when it says who it is.
func (c *conn) hasShaken() bool {
	switch {
	case c.phase == closing:
		return false
	case c.over == overTCP:
		return c.securing == asItIs
	case c.over == overFrames:
		return c.speaks() != nil && c.speaks().greeted
	}
	return c.phase == open
}

// certificateNames are the DNS names of a certificate, or else the common names of its
// subject: LIME, transport authentication.
func certificateNames(leaf *x509.Certificate) []string {
	if len(leaf.DNSNames) > 0 {
		return leaf.DNSNames
	}
	var names []string
	for _, n := range leaf.Subject.Names {
		if text, ok := n.Value.(string); ok && n.Type.Equal(commonName) {
			names = append(names, text)
		}
	}
	return names
}

// commonName is X.520's.
var commonName = []int{2, 5, 4, 3}
