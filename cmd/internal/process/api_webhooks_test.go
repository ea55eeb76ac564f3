package process

import (
	"encoding/json"
	"testing"

	"limegrove/event"
	"limegrove/webhook"
)

// TestAnEndpointIsDescribedAsTheDocumentHasIt: lists are never null, and what may be a password is left out.
func TestAnEndpointIsDescribedAsTheDocumentHasIt(t *testing.T) {
	for want, e := range map[string]webhook.Endpoint{
		`{"name":"push","url":"https://example.net/hook","events":["session.ended"],"domains":[],"behind":0,"deadLetters":0}`: {
			Name: "push", URL: "https://user:pass@example.net/hook?token=x#y", Events: []event.Type{event.SessionEnded},
		},
		`{"name":"crm","url":"http://example.net","events":[],"domains":["example.org"],"behind":0,"deadLetters":0}`: {
			Name: "crm", URL: "http://example.net", Domains: []string{"example.org"},
		},
	} {
		if got, err := json.Marshal(described(e)); err != nil || string(got) != want {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
	}
}
