package edge

import (
	"crypto/tls"
	"crypto/x509"

	"limegrove/edge/auth"
)

// certificate is what the client has shown of itself in TLS; nil when that was nothing,
// or there is no TLS. The handshake has verified it: one that does not hold has ended it.
func (c *conn) certificate() *auth.Certificate {
	secure, ok := c.socket.NetConn().(interface{ ConnectionState() tls.ConnectionState })
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	if len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return nil
	}
	leaf := state.PeerCertificates[0]
	return &auth.Certificate{Names: certificateNames(leaf), Expires: leaf.NotAfter}
}

// certified tells whether the client has shown a certificate. outlet.
func (c *conn) certified() bool { return c.certificate() != nil }

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
