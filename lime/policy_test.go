package lime

import (
	"encoding/json"
	"testing"
)

func TestThePolicyOfAnAccount(t *testing.T) {
	for text, want := range map[string]InboxPolicy{
		`{}`: {},
		`{"allowUnknownSender":true,"allowAnonymousSender":true,"allowGuestSender":true,"inboxSize":0}`: {},
		`{"allowUnknownSender":false}`:                                {ContactsOnly: true},
		`{"allowAnonymousSender":false}`:                              {NoGuests: true},
		`{"allowGuestSender":false}`:                                  {NoGuests: true},
		`{"allowGuestSender":true,"allowAnonymousSender":false}`:      {NoGuests: true},
		`{"inboxSize":7,"fullName":"Ana"}`:                            {Size: 7},
		`{"inboxSize":1e2}`:                                           {Size: 100},
		`{"inboxSize":2147483647}`:                                    {Size: 2147483647},
		`{"inboxSize":1e300}`:                                         {Size: 2147483647},
		`{"inboxSize":-1}`:                                            {},
		`{"inboxSize":"7","allowUnknownSender":"no"}`:                 {},
		`{"allowUnknownSender":null,"allowGuestSender":null}`:         {},
		`{"allowUnknownSender":false,"allowGuestSender":false}`:       {ContactsOnly: true, NoGuests: true},
		`{"allowunknownsender":false,"AllowGuestSender":false}`:       {}, // names are exact, as in the resource
		`{"allowUnknownSender":[false],"inboxSize":{"inboxSize":10}}`: {},
	} {
		var properties map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &properties); err != nil {
			t.Fatal(err)
		}
		got := PolicyOf(properties)
		if got != want {
			t.Errorf("%s is %+v, want %+v", text, got, want)
		}
		if got.Restricts() != (want.ContactsOnly || want.NoGuests) {
			t.Errorf("%s restricts: %v", text, got.Restricts())
		}
	}
	if got := PolicyOf(nil); got != (InboxPolicy{}) {
		t.Errorf("no properties are %+v", got)
	}
}
