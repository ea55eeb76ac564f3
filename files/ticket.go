package files

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"limegrove/document"
)

// Deed is what a ticket is for.
type Deed string

// The deeds.
const (
	ToUpload   Deed = "upload"
	ToDownload Deed = "download"
)

// claims are what a ticket says. Its ID is the file's.
type claims struct {
	jwt.Claims
	Deed Deed `json:"deed"`
}

const issuer = "limegrove/files"

// leeway is how far the clocks of two processes may be apart.
const leeway = time.Minute

const keySize = 32

// sharedKey returns the key of all processes, which the first of them makes.
func (s *Store) sharedKey(ctx context.Context) (key []byte, err error) {
	err = s.documents.Change(ctx, document.Key("key"), func(old document.Document) ([]byte, error) {
		if old.Revision != 0 {
			key = old.Value
			return nil, errKept
		}
		key = make([]byte, keySize)
		_, _ = rand.Read(key) // it never fails
		return key, nil
	})
	if errors.Is(err, errKept) {
		err = nil
	}
	if err == nil && len(key) != keySize {
		err = fmt.Errorf("the key has %d bytes, not %d", len(key), keySize)
	}
	return key, err
}

// errKept ends a change that is none.
var errKept = errors.New("it stays")

// Ticket returns a token for a deed with a file, in the name of the file's owner, and until
// when it is good: for TicketTime, and no longer than the file.
func (s *Store) Ticket(f *File, deed Deed) (token string, until time.Time, err error) {
	now := s.cfg.now()
	until = now.Add(TicketTime)
	if until.After(f.Expires) {
		until = f.Expires
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: s.key}, nil)
	if err == nil {
		token, err = jwt.Signed(signer).Claims(claims{
			Claims: jwt.Claims{Issuer: issuer, Subject: f.Owner.String(), ID: string(f.ID), IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(until)},
			Deed:   deed,
		}).Serialize()
	}
	if err != nil {
		return "", until, fmt.Errorf("ticket for file %s: %w", f.ID, err)
	}
	return token, until, nil
}

// Holder verifies a token for a deed, and returns the file that it is for, and in whose name. An
// error matches ErrTicket.
func (s *Store) Holder(token string, deed Deed) (id ID, owner string, err error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrTicket, err)
	}
	var c claims
	if err := parsed.Claims(s.key, &c); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrTicket, err)
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Issuer: issuer, Time: s.cfg.now()}, leeway); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrTicket, err)
	}
	if c.Expiry == nil || c.Deed != deed {
		return "", "", ErrTicket
	}
	return ID(c.ID), c.Subject, nil
}

// Capability is the part of a link to a file that nobody can guess.
func (s *Store) Capability(id ID) string {
	h := hmac.New(sha256.New, s.key)
	_, _ = h.Write([]byte("link to " + string(id))) // it never fails
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Opens tells whether a capability is that of a file.
func (s *Store) Opens(id ID, capability string) bool {
	return subtle.ConstantTimeCompare([]byte(s.Capability(id)), []byte(capability)) == 1
}

// Path is that of a link to a file: /files/<id>/<capability>/<name>. The name is for those who see
// the link, and for programs that save what a link ends in.
func (s *Store) Path(f *File) string {
	return "/files/" + string(f.ID) + "/" + s.Capability(f.ID) + "/" + url.PathEscape(f.Name)
}
