package room

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

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
		`{"room":"/x","history":{"count":-1}}`, `{"room":"/x","history":{"age":"soon"}}`, `{"room":"/x","history":{"age":"-1s"}}`, `{"room":"/x","history":5}`,
		`{"room":"/x","who":"nobody","may":["enter"]}`, `{"room":"/x","may":"enter"}`, `{"room":"x","may":["enter"]}`,
	} {
		if err := json.Unmarshal([]byte(bad), new(Rule)); !errors.Is(err, ErrRule) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestTheFirstRuleSaysWhatIsKept(t *testing.T) {
	var rules Rules
	if err := json.Unmarshal([]byte(`[
		{"room": "/public/*", "may": ["enter"]},
		{"room": "/ride/42", "history": {"count": 5}},
		{"room": "/ride/*", "may": ["enter"], "history": {"age": "10m"}},
		{"room": "/user/{name}/*", "history": {"count": 1}},
		{"room": {"of": "{identity}"}, "history": {"count": 2}},
		{"room": "/*/*", "history": {}}
	]`), &rules); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]*History{
		`"/ride/42"`:         {Count: 5},
		`"/ride/43"`:         {Age: 10 * time.Minute},
		`"/ride/*"`:          {Age: 10 * time.Minute},
		`"/public/x"`:        {},
		`"/user/ana/x"`:      {Count: 1},
		`{"of":"ana@t.org"}`: {Count: 2},
		`"/public"`:          nil,
		`{"a":1}`:            nil,
	} {
		if got := rules.History(must(t, text)); (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s keeps %+v, want %+v", text, got, want)
		}
	}
	if !rules.Keep() || rules[:1].Keep() || Rules(nil).Keep() {
		t.Error("whether anything is kept is wrong")
	}
}

func TestRulesCostNoMemory(t *testing.T) {
	rules := Rules{{Room: "/ride/*/driver", Who: Everyone, May: Enter}, {Room: `?depot="*";target="ride"`, Who: Everyone, May: Enter}}
	ana := Asker{Identity: lime.MustParseIdentity("ana@t.org")}
	if n := testing.AllocsPerRun(100, func() {
		if rules.Let(ana, Enter, "/ride/7/rider") || !rules.Let(ana, Enter, `?depot=3;target="ride"`) {
			t.Error("the rules do not hold")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
