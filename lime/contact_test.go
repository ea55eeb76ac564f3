package lime

import (
	"encoding/json"
	"testing"
)

func TestContactIsWrittenAndRead(t *testing.T) {
	const text = `{"group":"work","identity":"Bob@Example.org","isPending":false,"newer":{"a":[1]}}`
	var c Contact
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if c.Identity.String() != "Bob@Example.org" || len(c.Properties) != 3 {
		t.Errorf("read as %s with %d properties", c.Identity, len(c.Properties))
	}
	if b, err := json.Marshal(c); err != nil || string(b) != text {
		t.Errorf("written as %s, %v", b, err)
	}
	for _, bad := range []string{`[]`, `{"name":"Bob"}`, `{"identity":1}`, `{"identity":"a b@@/"}`, `{`} {
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Errorf("%s is a contact", bad)
		}
	}
}

func TestContactSharesUnlessItSaysOtherwise(t *testing.T) {
	for _, tc := range []struct {
		properties        string
		presence, account bool
	}{
		{``, true, true},
		{`,"isPending":false`, true, true},
		{`,"isPending":true`, false, false},
		{`,"sharePresence":false`, false, true},
		{`,"shareAccountInfo":false`, true, false},
		{`,"sharePresence":true,"isPending":true`, false, false},
		{`,"sharePresence":"true"`, false, true},
	} {
		var c Contact
		if err := json.Unmarshal([]byte(`{"identity":"bob@x"`+tc.properties+`}`), &c); err != nil {
			t.Fatal(err)
		}
		if c.SharesPresence() != tc.presence || c.SharesAccountInfo() != tc.account {
			t.Errorf("%s: presence %t, account %t", tc.properties, c.SharesPresence(), c.SharesAccountInfo())
		}
	}
}
