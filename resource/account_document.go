package resource

import (
	"encoding/base64"
	"encoding/json"
	"maps"

	"limegrove/lime"
)

// givenAccount is an account resource as it was sent.
type givenAccount struct {
	identity    lime.Identity              // zero when it was not given
	password    []byte                     // nil when it was not given
	oldPassword []byte                     // likewise
	accessKey   []byte                     // likewise
	properties  map[string]json.RawMessage // those that are kept
}

// wipe removes the secrets from memory.
func (g givenAccount) wipe() {
	clear(g.password)
	clear(g.oldPassword)
	clear(g.accessKey)
}

// accountProperties are the properties that are stored and returned. The secrets and
// what the server itself says (identity, creationDate) are not among them, and any
// other is ignored.
//
// allowGuestSender is the specification's name for allowAnonymousSender.
var accountProperties = withPerson(map[string]property{
	"alternativeAccount": identity, "inboxSize": number(0, maxInboxSize, true),
	"allowAnonymousSender": boolean, "allowGuestSender": boolean, "allowUnknownSender": boolean,
	"storeMessageContent": boolean, "encryptMessageContent": boolean, "publishToDirectory": boolean,
})

const maxInboxSize = 1<<31 - 1

// parseAccount reads an account resource. What it returns may hold secrets even with an
// error.
func parseAccount(mediaType string, b json.RawMessage) (g givenAccount, err error) {
	members, err := parseMembers(mediaType, lime.MediaAccount, b)
	if err != nil {
		return g, err
	}
	g.properties = map[string]json.RawMessage{}
	for name, value := range members {
		if err := g.take(name, value); err != nil {
			return g, err
		}
	}
	return g, nil
}

// parseMembers reads a resource of a media type, which is a JSON object, and returns what
// is not null of it (L-ENV-03). Errors have code 23 for another type, and 64.
func parseMembers(given, want string, b json.RawMessage) (map[string]json.RawMessage, error) {
	if given != "" {
		t, err := lime.ParseMediaType(given)
		if err != nil || !t.Is(want) && !t.Is(lime.MediaJSON) {
			return nil, lime.NewReason(lime.CodeValidationInvalidResource, "The type is not %s", want)
		}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(b, &members) != nil { // its text may quote the input
		return nil, badArgument("The resource is no JSON object")
	}
	maps.DeleteFunc(members, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	return members, nil
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
	case "accessKey":
		g.accessKey, ok = secret(value)
	case "isTemporary":
		// LIME: valid for the session alone. But the session that registers an account
		// ends before anybody logs in to it, and a guest's name is what LIME wants here.
		if string(value) == "true" {
			return badArgument("There are no temporary accounts; a guest needs none")
		}
		_, ok = boolean(value)
	default:
		return keepProperty(g.properties, accountProperties, "account", name, value)
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
	b, err := accountJSON(a, nil)
	return Document{lime.MediaAccount, b}, err
}

// accountJSON is an account without its secrets, and without what else is not wanted.
func accountJSON(a Account, without []string) (json.RawMessage, error) {
	identity, err := lime.MarshalJSON(a.Identity)
	if err != nil {
		return nil, err
	}
	created, err := json.Marshal(lime.FormatTime(a.Created))
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	maps.Copy(members, a.Properties)
	// Not even when another writer has put them into the store.
	for _, name := range []string{"password", "oldPassword", "accessKey"} {
		delete(members, name)
	}
	for _, name := range without {
		delete(members, name)
	}
	members["identity"], members["creationDate"] = identity, created
	return lime.MarshalJSON(members)
}

func badArgument(text string) error {
	return lime.NewReason(lime.CodeCommandInvalidArgument, "%s", text)
}
