package resource

import (
	"encoding/json"
	"strings"
	"testing"

	"limegrove/lime"
)

func TestPropertiesAreWhatTheyAreCalled(t *testing.T) {
	for _, row := range []struct {
		name string
		good []string
		bad  []string
	}{
		{"fullName", []string{`""`, `"Ana"`, `"é\u0000"`, `"` + strings.Repeat("x", 1024) + `"`}, []string{`7`, `{}`, `["x"]`, `"` + strings.Repeat("x", 1025) + `"`}},
		{"gender", []string{`"male"`, `"Female"`, `"OTHER"`}, []string{`""`, `"m"`, `1`}},
		{"birthDate", []string{`"1990-01-02"`, `"1990-01-02T03:04:05Z"`, `"1990-01-02T03:04:05.678+01:00"`, `"1990-01-02T03:04:05"`}, []string{`"2 January"`, `"1990-13-01"`, `0`, `""`}},
		{"culture", []string{`"pt"`, `"pt-BR"`, `"zh-Hant-TW"`}, []string{`""`, `"português"`, `"pt_BR"`, `"-pt"`, `"abcdefghi"`}},
		{"photoUri", []string{`"https://example.org/a.png"`, `"data:,x"`}, []string{`"%zz"`, `"` + strings.Repeat("x", 2049) + `"`, `1`}},
		{"offset", []string{`-3`, `5.5`, `0`}, []string{`"3"`, `1441`, `-1e9`}},
		{"timezone", []string{`-3`, `12`}, []string{`5.5`, `"3"`}},
		{"extras", []string{`{}`, `{"a":"b"}`}, []string{`{"a":1}`, `{"a":{}}`, `[]`, `"x"`, `{"a":"` + strings.Repeat("x", 2049) + `"}`, manyExtras()}},
		{"isGroupEnabled", []string{`true`, `false`}, []string{`"true"`, `1`}},
		{"whatsAppUserId", []string{`"1"`}, []string{`1`}},
		{"whatsAppWhatever", []string{`"1"`}, []string{`{}`}},
		{"alternativeAccount", []string{`"ana@example.org"`}, []string{`"ana"`, `"ana@example.org/1"`, `"a@b@c"`, `7`}},
		{"inboxSize", []string{`0`, `1000`, `2147483647`}, []string{`-1`, `1.5`, `2147483648`, `"1"`}},
		{"allowUnknownSender", []string{`true`, `false`}, []string{`"maybe"`, `0`}},
	} {
		for _, value := range append(row.good, row.bad...) {
			kept := map[string]json.RawMessage{}
			err := keepProperty(kept, accountProperties, "account", row.name, json.RawMessage(value))
			good := len(kept) == 1
			if want := contains(row.good, value); good != want || (err == nil) != want || !want && lime.AsReason(err).Code != 64 {
				t.Errorf("%s %.80s: kept is %v, %v", row.name, value, good, err)
			}
		}
	}
}

func contains(all []string, s string) bool {
	for _, o := range all {
		if o == s {
			return true
		}
	}
	return false
}

func manyExtras() string {
	all := map[string]string{}
	for i := range 65 {
		all[strings.Repeat("k", i+1)] = "v"
	}
	b, _ := json.Marshal(all)
	return string(b)
}

func TestEnumsAreKeptAsLIMEWritesThem(t *testing.T) { // L-ENV-10, L-ENV-11
	kept := map[string]json.RawMessage{}
	if err := keepProperty(kept, personProperties, "contact", "gender", json.RawMessage(`"FeMale"`)); err != nil || string(kept["gender"]) != `"female"` {
		t.Errorf("kept as %s, %v", kept["gender"], err)
	}
}

func TestPropertiesNobodyKnowsAreLeftAlone(t *testing.T) { // L-RES-08
	kept := map[string]json.RawMessage{}
	for _, name := range []string{"x", "password", "creationDate", "FullName", "whatsApp" + strings.Repeat("x", 60)} {
		if err := keepProperty(kept, accountProperties, "account", name, json.RawMessage(`"x"`)); err != nil || len(kept) != 0 {
			t.Errorf("%s: %v, %v", name, kept, err)
		}
	}
}
