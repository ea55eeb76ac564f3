package resource

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"

	"limegrove/lime"
)

// givenAccount is an account resource as it was sent.
type givenAccount struct {
	identity    lime.Identity              // zero when it was not given
	password    []byte                     // nil when it was not given
	oldPassword []byte                     // likewise
	properties  map[string]json.RawMessage // those that are kept
}

// wipe removes the passwords from memory.
func (g givenAccount) wipe() {
	clear(g.password)
	clear(g.oldPassword)
}

// check decodes a property into a value of its type, and tells whether it is
// one.
type check func(json.RawMessage) bool

func is[T any](b json.RawMessage) bool {
	var v T
	return json.Unmarshal(b, &v) == nil
}

// accountProperties are the properties that are stored and returned, with what
// they are. The secrets and what the server itself says (identity,
// creationDate) are not among them, and any other is ignored.
var accountProperties = map[string]check{
	"address": is[string], "city": is[string], "email": is[string], "phoneNumber": is[string],
	"photoUri": is[string], "cellPhoneNumber": is[string], "gender": is[string],
	"timeZoneName": is[string], "culture": is[string], "source": is[string],
	"firstName": is[string], "lastName": is[string], "fullName": is[string],
	"birthDate": is[string], "taxDocument": is[string], "tenantId": is[string],
	"alternativeAccount": is[lime.Identity],
	"timezone":           is[int], "offset": is[float64], "inboxSize": is[uint32],
	"extras":         is[map[string]string],
	"isGroupEnabled": is[bool], "allowAnonymousSender": is[bool], "allowGuestSender": is[bool],
	"allowUnknownSender": is[bool], "storeMessageContent": is[bool],
	"encryptMessageContent": is[bool], "publishToDirectory": is[bool],
}

// whatsApp begins the names of some more strings.
const whatsApp = "whatsApp"

// parseAccount reads an account resource. What it returns may hold passwords
// even with an error.
func parseAccount(mediaType string, b json.RawMessage) (g givenAccount, err error) {
	if mediaType != "" {
		t, err := lime.ParseMediaType(mediaType)
		if err != nil || !t.Is(lime.MediaAccount) && !t.Is(lime.MediaJSON) {
			return g, lime.NewReason(lime.CodeValidationInvalidResource, "The type is not %s", lime.MediaAccount)
		}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(b, &members) != nil { // its text may quote the input
		return g, badArgument("An account is a JSON object")
	}
	g.properties = map[string]json.RawMessage{}
	for name, value := range members {
		if string(value) == "null" { // L-ENV-03
			continue
		}
		if err := g.take(name, value); err != nil {
			return g, err
		}
	}
	return g, nil
}

func (g *givenAccount) take(name string, value json.RawMessage) error {
	var ok bool
	switch name {
	case "identity":
		ok = json.Unmarshal(value, &g.identity) == nil
	case "password":
		g.password, ok = secret(value)
	case "oldPassword":
		g.oldPassword, ok = secret(value)
	case "isTemporary":
		if string(value) == "true" {
			return badArgument("Temporary accounts are not supported")
		}
		ok = is[bool](value)
	default:
		fits, known := accountProperties[name]
		if !known && strings.HasPrefix(name, whatsApp) {
			fits, known = is[string], true
		}
		if !known {
			return nil
		}
		ok = fits(value)
		g.properties[name] = value
	}
	if !ok {
		return lime.NewReason(lime.CodeCommandInvalidArgument, "The account's %.64s is malformed", name)
	}
	return nil
}

// secret decodes a JSON string of Base64; the result is not nil when ok.
func secret(b json.RawMessage) (decoded []byte, ok bool) {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return nil, false
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	return decoded, err == nil
}

// accountDocument is the resource that a get returns (L-RES-10).
func accountDocument(a Account) (Document, error) {
	identity, err := json.Marshal(a.Identity)
	if err != nil {
		return Document{}, err
	}
	created, err := json.Marshal(lime.FormatTime(a.Created))
	if err != nil {
		return Document{}, err
	}
	members := map[string]json.RawMessage{}
	maps.Copy(members, a.Properties)
	// Not even when another writer has put them into the store.
	for _, name := range []string{"password", "oldPassword", "accessKey"} {
		delete(members, name)
	}
	members["identity"], members["creationDate"] = identity, created
	b, err := json.Marshal(members)
	return Document{lime.MediaAccount, b}, err
}

func badArgument(text string) error {
	return lime.NewReason(lime.CodeCommandInvalidArgument, "%s", text)
}
