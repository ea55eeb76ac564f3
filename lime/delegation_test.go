package lime

import (
	"encoding/json"
	"strings"
	"testing"
)

var delegator = MustParseIdentity("Ana@example.org")

func TestDelegationIsRead(t *testing.T) {
	for _, row := range []struct{ given, kept string }{
		{`{"target":"rui@example.org"}`, `{"target":"rui@example.org"}`},
		{`{"target":"Rui","x":1,"messages":null}`, `{"target":"Rui@example.org"}`},
		{`{"target":"rui@example.net/a/b","envelopeTypes":["Message","SESSION"]}`, `{"target":"rui@example.net/a/b","envelopeTypes":["message","session"]}`},
		{
			`{"target":"rui","messages":[{"type":"text/plain"}],"notifications":[{"event":"Received"}],"commands":[{"method":"GET","uri":"/contacts","status":"Pending"},{}]}`,
			`{"target":"rui@example.org","messages":[{"type":"text/plain"}],"notifications":[{"event":"received"}],"commands":[{"method":"get","uri":"/contacts","status":"pending"},{}]}`,
		},
	} {
		d, err := ParseDelegation([]byte(row.given), delegator)
		if err != nil {
			t.Errorf("%s: %v", row.given, err)
			continue
		}
		b, err := json.Marshal(d)
		if err != nil || string(b) != row.kept {
			t.Errorf("%s is kept as\n%s, %v, want\n%s", row.given, b, err, row.kept)
		}
		var again Delegation
		if err := json.Unmarshal(b, &again); err != nil {
			t.Error(err)
		}
		if c, err := json.Marshal(again); string(c) != row.kept || err != nil {
			t.Errorf("kept twice it is %s, %v", c, err)
		}
	}
}

func TestWhatIsNoDelegation(t *testing.T) {
	many := strings.Repeat(`{"type":"a/b"},`, 64) + `{"type":"a/b"}`
	for _, given := range []string{
		`[]`, `7`, `{}`, `{"target":""}`, `{"target":"@example.org"}`, `{"target":7}`, `{"target":"a@b@c"}`,
		`{"target":"rui","envelopeTypes":[]}`, `{"target":"rui","envelopeTypes":["letter"]}`, `{"target":"rui","envelopeTypes":["unknown"]}`,
		`{"target":"rui","envelopeTypes":"message"}`,
		`{"target":"rui","messages":[]}`, `{"target":"rui","messages":[{}]}`, `{"target":"rui","messages":[{"type":"x"}]}`,
		`{"target":"rui","messages":[` + many + `]}`,
		`{"target":"rui","notifications":[{}]}`, `{"target":"rui","notifications":[{"event":"seen"}]}`,
		`{"target":"rui","commands":[]}`, `{"target":"rui","commands":[{"method":"put"}]}`, `{"target":"rui","commands":[{"status":"maybe"}]}`,
		`{"target":"rui","commands":[{"uri":"contacts"}]}`, `{"target":"rui","commands":[{"uri":"http://x/"}]}`,
		`{"target":"rui","commands":[{"uri":"lime://bia@example.org/contacts"}]}`,
		`{"target":"rui","envelopeTypes":["message"],"commands":[{"method":"get"}]}`,
	} {
		if _, err := ParseDelegation([]byte(given), delegator); AsReason(err) == nil || AsReason(err).Code != CodeCommandInvalidArgument {
			t.Errorf("%.80s: %v", given, err)
		}
	}
}

func TestWhatADelegationAllows(t *testing.T) { // L-MSG-03
	const (
		text    = `{"type":"text/plain","content":"x"}`
		photo   = `{"type":"Application/vnd.lime.media-link+JSON","content":{}}`
		read    = `{"id":"1","event":"consumed"}`
		failed  = `{"id":"1","event":"failed","reason":{"code":1}}`
		get     = `{"id":"1","method":"get","uri":"/contacts"}`
		getOne  = `{"id":"1","method":"get","uri":"/Contacts/bia@example.org?x=1"}`
		getMine = `{"id":"1","method":"get","uri":"lime://ANA@example.org/contacts"}`
		getBia  = `{"id":"1","method":"get","uri":"lime://bia@example.org/contacts"}`
		other   = `{"id":"1","method":"get","uri":"/contactsx"}`
		set     = `{"id":"1","method":"set","uri":"/contacts","type":"a/b","resource":{}}`
		answer  = `{"id":"1","method":"get","status":"success"}`
		session = `{"state":"finishing"}`
	)
	all := []string{text, photo, read, failed, get, getOne, getMine, getBia, other, set, answer, session}
	for given, allowed := range map[string][]string{
		``:                            {text, photo, read, failed, get, getOne, getMine, getBia, other, set, answer},
		`"envelopeTypes":["message"]`: {text, photo},
		`"envelopeTypes":["session"]`: {},
		`"envelopeTypes":["notification","command"]`:                                                             {read, failed, get, getOne, getMine, getBia, other, set, answer},
		`"messages":[{"type":"TEXT/plain"}]`:                                                                     {text, read, failed, get, getOne, getMine, getBia, other, set, answer},
		`"envelopeTypes":["notification"],"notifications":[{"event":"consumed"}]`:                                {read},
		`"envelopeTypes":["command"],"commands":[{"uri":"/contacts"}]`:                                           {get, getOne, getMine, set},
		`"envelopeTypes":["command"],"commands":[{"uri":"/"}]`:                                                   {get, getOne, getMine, other, set},
		`"envelopeTypes":["command"],"commands":[{"uri":"/contacts/bia@example.org"}]`:                           {getOne},
		`"envelopeTypes":["command"],"commands":[{"uri":"lime://ana@example.org/contacts","method":"set"}]`:      {set},
		`"envelopeTypes":["command"],"commands":[{"method":"get"}]`:                                              {get, getOne, getMine, getBia, other, answer},
		`"envelopeTypes":["command"],"commands":[{"status":"pending"}]`:                                          {get, getOne, getMine, getBia, other, set},
		`"envelopeTypes":["command"],"commands":[{"status":"success"}]`:                                          {answer},
		`"envelopeTypes":["command"],"commands":[{"status":"failure"},{"method":"set","uri":"/contacts"}]`:       {set},
		`"envelopeTypes":["message","command"],"messages":[{"type":"text/plain"}],"commands":[{"method":"set"}]`: {text, set},
	} {
		d, err := ParseDelegation([]byte(strings.Replace(`{"target":"rui",`+given+`}`, ",}", "}", 1)), delegator)
		if err != nil {
			t.Fatalf("%s: %v", given, err)
		}
		for _, envelope := range all {
			var h Header
			if _, err := h.Scan([]byte(envelope)); err != nil {
				t.Fatal(err)
			}
			want := false
			for _, a := range allowed {
				want = want || a == envelope
			}
			if got := d.Allows(delegator, &h); got != want {
				t.Errorf("{%s} of %s: %v, want %v", given, envelope, got, want)
			}
		}
	}
}
