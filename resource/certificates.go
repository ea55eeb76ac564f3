package resource

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"limegrove/lime"
)

// Certificate is one of an identity, but for its text.
type Certificate struct {
	Identity lime.Identity `json:"identity"`
	Serial   string        `json:"serial"` // lower-case hexadecimal digits
	Issued   time.Time     `json:"issued"`
	Expires  time.Time     `json:"expires"`
	Revoked  time.Time     `json:"revoked,omitzero"`

	// PEM is the certificate, and Authorities all whom the cluster believes, where it was just issued.
	PEM         string `json:"certificate,omitempty"`
	Authorities string `json:"authorities,omitempty"`
}

// CertificateOrder asks for one.
type CertificateOrder struct {
	Identity lime.Identity
	Request  string        // PKCS #10 in PEM
	First    bool          // who asks has shown the default certificate: the name must be free
	Operator bool          // the operator asks
	Lifetime time.Duration // 0 for the default
}

// Certificates is the cluster's own authority. Errors that are for the requester match *lime.Reason: code 25 for an
// identity that none can have, 34 for too many or too often, 64 for what is no request, 66 for a name that is taken, 67 for one that is not there.
type Certificates interface {
	Issue(ctx context.Context, o CertificateOrder) (Certificate, error)
	// Of are those of an identity, the oldest first; All are those of a domain, so many holders' at most, 0 for any number.
	Of(ctx context.Context, i lime.Identity) ([]Certificate, error)
	All(ctx context.Context, domain string, most int) ([]Certificate, error)
	// Revoke revokes all of an identity, and gives its name free if it is to. RevokeOne revokes one of them, or with no identity any
	// certificate, whoever has signed it. Sessions that were begun with them end.
	Revoke(ctx context.Context, i lime.Identity, free bool, why string) ([]Certificate, error)
	RevokeOne(ctx context.Context, i lime.Identity, serial, why string) (Certificate, error)
}

// MediaCertificate is the media type of a certificate, and of a request for one. It is ours.
const MediaCertificate = "application/vnd.limegrove.certificate+json"

// maxCertificateRequest bounds the request in a command. The authority has a bound of its own.
const maxCertificateRequest = 16 << 10

// HandleCertificates registers /certificates and /certificates/<serial>:
//
//   - set /certificates with {"request": "<PKCS #10 in PEM>"} issues a certificate to the identity that asks. Of the request the
//     key alone is used. Who has shown the default certificate names the identity too: {"identity": …, "request": …}; it is issued
//     one if nobody has the name, else refused with 66;
//   - get /certificates lists those of the identity, paged by take and skip (L-RES-11);
//   - delete /certificates/<serial> revokes one of them, delete /certificates all: sessions that were begun with them end, this one
//     among them.
//
// A guest is refused with 35, and so is whoever asks about somebody else. A backend may do all of it for anybody, and as the server's own
// identity list those of its domain and revoke any by its serial.
func HandleCertificates(m *Mux, certificates Certificates) {
	h := certificateHandler{certificates}
	m.Handle(lime.MethodSet, "/certificates", h.issue)
	m.Handle(lime.MethodGet, "/certificates", h.list)
	m.Handle(lime.MethodDelete, "/certificates", h.revoke)
	m.Handle(lime.MethodDelete, "/certificates/{serial}", h.revokeOne)
}

type certificateHandler struct{ certificates Certificates }

func (h certificateHandler) issue(ctx context.Context, r Request) (Document, error) {
	applies := r.Role == lime.RoleApplicant
	if !applies {
		if err := r.checkAccountOwner(); err != nil {
			return Document{}, err
		}
	}
	if r.Type != "" && !strings.EqualFold(r.Type, MediaCertificate) && !strings.EqualFold(r.Type, lime.MediaJSON) {
		return Document{}, lime.NewReason(lime.CodeValidationInvalidResource, "The type is not %s", MediaCertificate)
	}
	var given struct {
		Identity lime.Identity `json:"identity"`
		Request  string        `json:"request"`
		Days     int           `json:"days"`
	}
	if len(r.Resource) > maxCertificateRequest || json.Unmarshal(r.Resource, &given) != nil || given.Request == "" {
		return Document{}, badArgument("A request for a certificate is a JSON object with a PKCS #10 request in PEM")
	}
	if given.Identity.Domain == "" && given.Identity.Name != "" {
		given.Identity.Domain = r.From.Domain
	}
	o := CertificateOrder{Identity: r.From.Identity, Request: given.Request, First: applies, Operator: r.Backend}
	switch {
	case applies && !strings.EqualFold(given.Identity.Domain, r.From.Domain): // a domain of others, or none
		return Document{}, lime.NewReason(lime.CodeValidationInvalidIdentity, "The identity is missing, or of another domain")
	case applies:
		o.Identity = given.Identity
	case !given.Identity.IsZero() && !given.Identity.EqualFold(o.Identity):
		return Document{}, notPermitted()
	}
	switch {
	case given.Days < 0 || given.Days > 3650 || given.Days > 0 && !r.Backend:
		return Document{}, badArgument("The days are for the operator to say, 1 to 3650")
	case given.Days > 0:
		o.Lifetime = time.Duration(given.Days) * 24 * time.Hour
	}
	made, err := h.certificates.Issue(ctx, o)
	if err != nil {
		return Document{}, err
	}
	return certificateDocument(made)
}

func certificateDocument(v any) (Document, error) {
	b, err := lime.MarshalJSON(v)
	return Document{MediaCertificate, b}, err
}

// ofServer tells whether a backend asks as the server's own identity.
func (r Request) ofServer() bool { return r.Backend && lime.IsPostmaster(r.From.Name) }

func (h certificateHandler) list(ctx context.Context, r Request) (Document, error) {
	if err := r.checkAccountOwner(); err != nil {
		return Document{}, err
	}
	p, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	var all []Certificate
	if r.ofServer() {
		all, err = h.certificates.All(ctx, r.From.Domain, 0)
	} else {
		all, err = h.certificates.Of(ctx, r.From.Identity)
	}
	if err != nil {
		return Document{}, err
	}
	return collection(p, MediaCertificate, all)
}

func (h certificateHandler) revoke(ctx context.Context, r Request) (Document, error) {
	if err := r.checkAccountOwner(); err != nil {
		return Document{}, err
	}
	free := r.URI.Param("free") == "true"
	if free && !r.Backend {
		return Document{}, notPermitted()
	}
	if r.ofServer() {
		return Document{}, badArgument("The serial is missing")
	}
	gone, err := h.certificates.Revoke(ctx, r.From.Identity, free, because(r))
	if err != nil {
		return Document{}, err
	}
	return certificateDocument(map[string]any{"revoked": gone})
}

func (h certificateHandler) revokeOne(ctx context.Context, r Request) (Document, error) {
	if err := r.checkAccountOwner(); err != nil {
		return Document{}, err
	}
	of := r.From.Identity
	if r.ofServer() {
		of = lime.Identity{}
	}
	gone, err := h.certificates.RevokeOne(ctx, of, r.Segment("serial"), because(r))
	if err != nil {
		return Document{}, err
	}
	return certificateDocument(map[string]any{"revoked": []Certificate{gone}})
}

// because is why somebody revokes, as far as it is kept.
func because(r Request) string {
	why := r.URI.Param("because")
	return strings.ToValidUTF8(why[:min(len(why), 200)], "")
}
