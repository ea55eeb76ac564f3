package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"

	"limegrove/lime"
)

// MaxRequest is how many bytes a request for a certificate may have in PEM. Those with the longest keys that are
// taken have some two thousand.
const MaxRequest = 8 << 10

// errRequest is for a request for a certificate that cannot be read.
var errRequest error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "The request is no PKCS #10 request for a certificate in PEM"}

// NewRequest makes a request for a certificate, in PEM. The name in it says who asks to people alone.
func NewRequest(name string, key crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return nil, fmt.Errorf("ask for a certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: der}), nil
}

// publicOf is the key of a request in PEM, whose signature shows that who asks has the private one. What else the
// request wishes is nobody's business. An error is a *lime.Reason with code 64.
func publicOf(request []byte) (crypto.PublicKey, error) {
	if len(request) > MaxRequest {
		return nil, lime.NewReason(lime.CodeCommandInvalidArgument, "The request has more than %d bytes", MaxRequest)
	}
	block, rest := pem.Decode(request)
	if block == nil || block.Type != pemRequest && block.Type != "NEW CERTIFICATE REQUEST" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errRequest
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, errRequest
	}
	if err := checkPublic(r.PublicKey); err != nil { // before the signature: a huge key is a costly one
		return nil, err
	}
	if r.CheckSignature() != nil {
		return nil, lime.NewReason(lime.CodeCommandInvalidArgument, "The request is not signed by its own key")
	}
	return r.PublicKey, nil
}

// checkPublic refuses keys that are weak, or cost everybody who verifies with them.
func checkPublic(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if size := k.Curve.Params().BitSize; size < 256 {
			return weak("An ECDSA key has 256 bits at least")
		}
	case ed25519.PublicKey:
	case *rsa.PublicKey:
		if size := k.N.BitLen(); size < 2048 || size > 4096 {
			return weak("An RSA key has 2048 to 4096 bits")
		}
	default:
		return weak("The key is neither ECDSA, nor Ed25519, nor RSA")
	}
	return nil
}

func weak(why string) error { return lime.NewReason(lime.CodeCommandInvalidArgument, "%s", why) }

// errNoAuthority says that this process signs nothing.
var errNoAuthority = errors.New("there is no authority here")
