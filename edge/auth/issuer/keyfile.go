package issuer

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// ParseKeys reads the public keys of a file: PEM with public keys or certificates, a JWK,
// or a JWKS. Those of PEM have no key id, and are tried for every token.
func ParseKeys(text []byte) (keys []jose.JSONWebKey, err error) {
	if json.Valid(text) {
		if keys, err = parseKeySet(text); err == nil {
			return keys, nil
		}
		var k jose.JSONWebKey
		if err := json.Unmarshal(text, &k); err != nil {
			return nil, errors.New("it has neither a JWK nor a JWKS")
		}
		return []jose.JSONWebKey{k}, checkKey(&k)
	}
	for len(text) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		k := jose.JSONWebKey{}
		switch block.Type {
		case "CERTIFICATE":
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			k.Key = certificate.PublicKey
		case "PUBLIC KEY":
			if k.Key, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
				return nil, err
			}
		default:
			return nil, errors.New("it has a PEM block that is no public key: " + block.Type)
		}
		if err := checkKey(&k); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no public key")
	}
	return keys, nil
}
