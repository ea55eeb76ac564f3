package resource

import (
	"encoding/json"
	"maps"
	"math"
	"time"

	"limegrove/lime"
)

// contactProperties are the properties that are kept and returned. Any other is ignored, as
// is the date of the last update, which the server knows. That of the last message is the
// owner's: the server does not look at messages.
var contactProperties = withPerson(map[string]property{
	"name": text, "group": text, "priority": number(math.MinInt32, math.MaxInt32, true), "creationDate": textThat(maxText, isDate),
	"isPending": boolean, "sharePresence": boolean, "shareAccountInfo": boolean,
	"lastMessageDate": textThat(maxText, isDate), "subscriptionStatus": enum("subscribed", "not-subscribed"),
})

// lastUpdate is the property that the server sets.
const lastUpdate = "lastUpdateDate"

// parseContact reads a contact resource; its identity may be missing.
func parseContact(mediaType string, b json.RawMessage) (c lime.Contact, err error) {
	members, err := parseMembers(mediaType, lime.MediaContact, b)
	if err != nil {
		return c, err
	}
	c.Properties = map[string]json.RawMessage{}
	for name, value := range members {
		if name == "identity" {
			if json.Unmarshal(value, &c.Identity) != nil {
				return c, badArgument("The contact's identity is malformed")
			}
			continue
		}
		if err := keepProperty(c.Properties, contactProperties, "contact", name, value); err != nil {
			return c, err
		}
	}
	return c, nil
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
