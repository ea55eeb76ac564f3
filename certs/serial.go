package certs

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"strings"

	"limegrove/lime"
)

// Serial is the serial number of a certificate: lower-case hexadecimal digits, two or more, without leading zeros
// but one to make them even. Ours have 128 random bits.
type Serial string

// maxSerial is how many bytes a serial has at most: RFC 5280, section 4.1.2.2.
const maxSerial = 20

// SerialOf is the serial of a certificate.
func SerialOf(c *x509.Certificate) Serial {
	if c.SerialNumber == nil {
		return ""
	}
	return Serial(hex.EncodeToString(c.SerialNumber.Bytes()))
}

// ParseSerial reads what tools print of a serial: hexadecimal digits in any case, also with colons between them or 0x
// before. An error is a *lime.Reason with code 64.
func ParseSerial(text string) (Serial, error) {
	digits := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	digits = strings.TrimPrefix(digits, "0x")
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) == 0 || len(b) > maxSerial+1 {
		return "", lime.NewReason(lime.CodeCommandInvalidArgument, "A serial is up to %d hexadecimal digits", 2*maxSerial)
	}
	b = new(big.Int).SetBytes(b).Bytes()
	if len(b) == 0 || len(b) > maxSerial {
		return "", lime.NewReason(lime.CodeCommandInvalidArgument, "A serial is up to %d hexadecimal digits, and not zero", 2*maxSerial)
	}
	return Serial(hex.EncodeToString(b)), nil
}

// newSerial is a random one, of 128 bits, that is positive.
func newSerial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

// Fingerprint is the SHA-256 of a certificate, in lower-case hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
