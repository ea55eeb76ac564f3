package resource

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"time"

	"limegrove/lime"
)

// A property is one member of a resource that is kept as it was sent. It is given the
// JSON of the value, which is not null, and returns what is kept of it; not ok is code 64.
type property func(json.RawMessage) (kept json.RawMessage, ok bool)

// Bounds on what people say of themselves, in bytes.
const (
	maxText   = 1024
	maxURI    = 2048
	maxExtras = 64 // entries
)

// personProperties are those that accounts and contacts have in common, but for the
// identity. LIME, resources; the names come from its implementations as well.
var personProperties = map[string]property{
	"address": text, "city": text, "email": text, "phoneNumber": text, "cellPhoneNumber": text,
	"firstName": text, "lastName": text, "fullName": text, "taxDocument": text, "tenantId": text, "source": text,
	"photoUri": textThat(maxURI, isURI), "birthDate": textThat(maxText, isDate),
	"gender": enum("male", "female", "other"), "culture": textThat(maxText, isLanguage),
	// timezone is what the specification calls it, in whole hours; implementations have
	// the name of the zone and the offset.
	"timeZoneName": text, "timezone": number(-maxOffset, maxOffset, true), "offset": number(-maxOffset, maxOffset, false),
	"extras": extras, "isGroupEnabled": boolean,
	"whatsAppId": text, "whatsAppPhoneNumber": text, "whatsAppUserId": text, "whatsAppUsername": text,
}

// maxOffset from UTC: a day, for those who count in minutes.
const maxOffset = 24 * 60

// with returns the properties of a person and some more.
func withPerson(more map[string]property) map[string]property {
	all := maps.Clone(personProperties)
	maps.Copy(all, more)
	return all
}

// keepProperty adds a member to kept, when it is one of known. A value of the wrong kind is
// refused with 64, which names what, the resource. Names that begin with whatsApp are texts,
// whichever they are: implementations differ. Others are left alone (L-RES-08).
func keepProperty(kept map[string]json.RawMessage, known map[string]property, what, name string, value json.RawMessage) error {
	p := known[name]
	if p == nil && strings.HasPrefix(name, "whatsApp") && len(name) <= 64 {
		p = text
	}
	if p == nil {
		return nil
	}
	v, ok := p(value)
	if !ok {
		return lime.NewReason(lime.CodeCommandInvalidArgument, "The %s's %.64s is malformed", what, name)
	}
	kept[name] = v
	return nil
}

// text is a string of at most maxText bytes.
func text(b json.RawMessage) (json.RawMessage, bool) { return textThat(maxText, nil)(b) }

func textThat(most int, holds func(string) bool) property {
	return func(b json.RawMessage) (json.RawMessage, bool) {
		var s string
		ok := json.Unmarshal(b, &s) == nil && len(s) <= most && (holds == nil || holds(s))
		return b, ok
	}
}

// enum is one of some texts, in any case; it is kept as LIME writes it (L-ENV-11).
func enum(values ...string) property {
	return func(b json.RawMessage) (json.RawMessage, bool) {
		var s string
		if json.Unmarshal(b, &s) != nil {
			return nil, false
		}
		for _, v := range values {
			if strings.EqualFold(s, v) {
				return json.RawMessage(`"` + v + `"`), true
			}
		}
		return nil, false
	}
}

func number(least, most float64, whole bool) property {
	return func(b json.RawMessage) (json.RawMessage, bool) {
		var n float64
		ok := json.Unmarshal(b, &n) == nil && least <= n && n <= most && (!whole || n == float64(int64(n)))
		return b, ok
	}
}

func boolean(b json.RawMessage) (json.RawMessage, bool) {
	var v bool
	return b, json.Unmarshal(b, &v) == nil
}

// identity is name@domain.
func identity(b json.RawMessage) (json.RawMessage, bool) {
	var i lime.Identity
	return b, json.Unmarshal(b, &i) == nil && i.Name != "" && i.Domain != ""
}

// extras are texts by names of the application's.
func extras(b json.RawMessage) (json.RawMessage, bool) {
	var all map[string]string
	if json.Unmarshal(b, &all) != nil || len(all) > maxExtras {
		return nil, false
	}
	for name, value := range all {
		if len(name) > maxText || len(value) > maxURI {
			return nil, false
		}
	}
	return b, true
}

func isURI(s string) bool {
	_, err := url.Parse(s)
	return err == nil
}

// isDate tells whether s is a day, or a time as ISO 8601 has it, with or without its zone.
func isDate(s string) bool {
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// isLanguage tells whether s looks like a language tag, such as pt-BR (RFC 5646).
func isLanguage(s string) bool {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' }) {
		if len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		}) {
			return false
		}
	}
	return s != "" && s[0] != '-'
}
