package certs

import (
	"crypto/x509"
	"strings"
	"unicode"
	"unicode/utf8"

	"limegrove/lime"
)

// maxIdentity is how many bytes an identity may have in a certificate.
const maxIdentity = 255

// DefaultName is the common name of default certificates. No identity is without a domain, and so none is
// called that.
const DefaultName = "default"

// CheckIdentity tells whether there may be a certificate for an identity. Names come of whoever asks: they go into certificates, logs,
// keys and names of files. An error is a *lime.Reason with code 25.
func CheckIdentity(i lime.Identity) error {
	text := i.String()
	parsed, err := lime.ParseIdentity(text)
	switch {
	case err != nil || parsed != i || i.Name == "" || i.Domain == "":
		return unusable("A certificate is for an identity, name@domain")
	case len(text) > maxIdentity:
		return unusable("The identity is too long for a certificate")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, odd):
		return unusable("The identity has characters that no certificate takes")
	case lime.IsPostmaster(i.Name):
		return unusable("The name belongs to the server")
	}
	return nil
}

// odd are characters that somebody who reads a name would not see, or that end it elsewhere.
func odd(r rune) bool {
	return r == '/' || r == '\\' || r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

func unusable(why string) error { return lime.NewReason(lime.CodeValidationInvalidIdentity, "%s", why) }

// identityOf is the identity that a certificate is for, by its common name; false for none.
func identityOf(c *x509.Certificate) (lime.Identity, bool) {
	i, err := lime.ParseIdentity(c.Subject.CommonName)
	if err != nil || CheckIdentity(i) != nil {
		return lime.Identity{}, false
	}
	return i, true
}
