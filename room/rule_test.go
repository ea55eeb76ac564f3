package room

import (
	"encoding/json"
	"errors"
	"testing"

	"limegrove/lime"
)

func TestRulesLetInWhomTheyName(t *testing.T) {
	var rules Rules
	if err := json.Unmarshal([]byte(`[
		{"room": "/public/*", "may": ["enter"]},
		{"room": "/lobby", "who": "guests", "may": ["enter", "publish"]},
		{"room": "/user/{name}/*", "who": "members", "may": ["publish", "enter"]},
		{"room": {"owner": "{identity}", "of": "*"}, "who": "members", "may": ["publish"]}
	]`), &rules); err != nil {
		t.Fatal(err)
	}
	member := Asker{Identity: lime.MustParseIdentity("Ana.%41@T.org")}
	guest := Asker{Identity: lime.MustParseIdentity("g@t.org"), Guest: true}
	for _, row := range []struct {
		who   Asker
		right Right
		room  string
		may   bool
	}{
		{member, Enter, `"/public/x"`, true},
		{guest, Enter, `"/public/x"`, true},
		{guest, Enter, `"/public/*"`, true},
		{member, Publish, `"/public/x"`, false},
		{member, Enter | Publish, `"/public/x"`, false},
		{member, Enter, `"/public"`, false},
		{guest, Publish, `"/lobby"`, true},
		{member, Enter, `"/lobby"`, false},
		{member, Enter, `"/user/ana.%41/x"`, true},
		{member, Publish, `"/user/ana.%41/x"`, true},
		{member, Publish, `"/user/Ana.%41/x"`, false}, // names compare in small letters
		{member, Enter, `"/user/rui/x"`, false},
		{member, Enter, `"/user/{name}/x"`, false},
		{member, Publish, `{"owner":"ana.%41@t.org","of":5}`, true},
		{member, Publish, `{"owner":"*","of":5}`, false},
		{member, Publish, `{"owner":"Ana.%41@t.org","of":5}`, false},
		{guest, Publish, `{"owner":"g@t.org","of":5}`, false},
		{member, Enter, `{"owner":"ana.%41@t.org","of":5}`, false},
	} {
		if may := rules.Let(row.who, row.right, must(t, row.room)); may != row.may {
			t.Errorf("%s (guest: %t) may do %d with %s: %t", row.who.Identity, row.who.Guest, row.right, row.room, may)
		}
	}
	for _, bad := range []string{
		`{"may":["enter"]}`, `{"room":5,"may":["enter"]}`, `{"room":"/x"}`, `{"room":"/x","may":[]}`, `{"room":"/x","may":["read"]}`,
		`{"room":"/x","who":"nobody","may":["enter"]}`, `{"room":"/x","may":"enter"}`, `{"room":"x","may":["enter"]}`,
	} {
		if err := json.Unmarshal([]byte(bad), new(Rule)); !errors.Is(err, ErrRule) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
