package resource

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"limegrove/lime"
)

// contactProperties are the properties that are kept and returned, with what they are.
// Any other is ignored, as is the date of the last update, which the server knows. That
// of the last message is the owner's: the server does not look at messages.
var contactProperties = map[string]check{
	"address": is[string], "city": is[string], "email": is[string], "phoneNumber": is[string],
	"photoUri": is[string], "cellPhoneNumber": is[string], "gender": is[string],
	"timeZoneName": is[string], "culture": is[string], "source": is[string],
	"firstName": is[string], "lastName": is[string], "birthDate": is[string],
	"taxDocument": is[string], "creationDate": is[string], "tenantId": is[string],
	"timezone": is[int], "offset": is[float64], "extras": is[map[string]string], "isGroupEnabled": is[bool],

	"name": is[string], "group": is[string], "priority": is[int],
	"isPending": is[bool], "sharePresence": is[bool], "shareAccountInfo": is[bool],
	"lastMessageDate": isDate, "subscriptionStatus": isSubscription,
}

// lastUpdate is the property that the server sets.
const lastUpdate = "lastUpdateDate"

// isDate tells whether a property is a date as the implementations write them.
func isDate(b json.RawMessage) bool {
	var t time.Time
	return json.Unmarshal(b, &t) == nil
}

func isSubscription(b json.RawMessage) bool {
	var s string
	return json.Unmarshal(b, &s) == nil && (strings.EqualFold(s, "subscribed") || strings.EqualFold(s, "not-subscribed"))
}

// parseContact reads a contact resource; its identity may be missing.
func parseContact(mediaType string, b json.RawMessage) (c lime.Contact, err error) {
	if mediaType != "" {
		t, err := lime.ParseMediaType(mediaType)
		if err != nil || !t.Is(lime.MediaContact) && !t.Is(lime.MediaJSON) {
			return c, lime.NewReason(lime.CodeValidationInvalidResource, "The type is not %s", lime.MediaContact)
		}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(b, &members) != nil { // its text may quote the input
		return c, badArgument("A contact is a JSON object")
	}
	c.Properties = map[string]json.RawMessage{}
	for name, value := range members {
		if string(value) == "null" { // L-ENV-03
			continue
		}
		if !takeContact(&c, name, value) {
			return c, lime.NewReason(lime.CodeCommandInvalidArgument, "The contact's %.64s is malformed", name)
		}
	}
	return c, nil
}

// takeContact takes one property, and tells whether it is what it should be.
func takeContact(c *lime.Contact, name string, value json.RawMessage) bool {
	if name == "identity" {
		return json.Unmarshal(value, &c.Identity) == nil
	}
	fits, known := contactProperties[name]
	switch {
	case !known && strings.HasPrefix(name, whatsApp):
		fits = is[string]
	case !known:
		return true
	}
	c.Properties[name] = value
	return fits(value)
}

// changeContact returns what becomes of a contact, of which there may be none before.
func changeContact(method lime.Method, old *lime.Contact, given lime.Contact, now time.Time) lime.Contact {
	c := lime.Contact{Identity: given.Identity, Properties: map[string]json.RawMessage{}}
	if old != nil && method == lime.MethodMerge {
		maps.Copy(c.Properties, old.Properties)
	}
	maps.Copy(c.Properties, given.Properties)
	c.Properties[lastUpdate] = json.RawMessage(`"` + lime.FormatTime(now) + `"`)
	return c
}
