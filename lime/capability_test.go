package lime

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatASessionTakes(t *testing.T) {
	const (
		text   = `{"type":"text/plain","content":"x"}`
		loud   = `{"type":"TEXT/Plain; charset=utf-8","content":"x"}`
		photo  = `{"type":"application/vnd.lime.media-link+json","content":{}}`
		ask    = `{"id":"1","method":"get","uri":"/x"}`
		set    = `{"id":"1","method":"set","uri":"/x","type":"application/json","resource":{}}`
		answer = `{"id":"1","method":"get","status":"success","type":"text/plain","resource":"x"}`
		note   = `{"id":"1","event":"received"}`
	)
	all := []string{text, loud, photo, ask, set, answer, note}
	for given, taken := range map[string][]string{
		`{}`:                              all,
		`{"contentTypes":null,"x":1}`:     all,
		`{"contentTypes":["Text/PLAIN"]}`: {text, loud, ask, set, answer, note},
		`{"contentTypes":["a/b","application/vnd.lime.media-link+json"]}`: {photo, ask, set, answer, note},
		`{"resourceTypes":[]}`:                   {text, loud, photo, answer, note},
		`{"resourceTypes":["application/json"]}`: {text, loud, photo, ask, set, answer, note},
		`{"resourceTypes":["a/b"]}`:              {text, loud, photo, ask, answer, note},
	} {
		c, err := ParseCapability([]byte(given))
		if err != nil {
			t.Fatalf("%s: %v", given, err)
		}
		for _, envelope := range all {
			var h Header
			if _, err := h.Scan([]byte(envelope)); err != nil {
				t.Fatal(err)
			}
			want := strings.Contains(strings.Join(taken, "\n"), envelope)
			if got := c.Takes(&h); got != want {
				t.Errorf("%s of %s: %v", given, envelope, got)
			}
			short := c.Taken()
			if got := short.Takes(&h); got != want {
				t.Errorf("%s of %s, made short: %v", given, envelope, got)
			}
			if short != nil {
				if read := ParseTaken(short.Append(nil)); !read.Equal(short) {
					t.Errorf("%s is %+v, and read again %+v", given, short, read)
				}
			}
			if n := testing.AllocsPerRun(10, func() { c.Takes(&h); short.Takes(&h) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		}
	}
}

func TestCapabilityIsReadAndWritten(t *testing.T) {
	for given, kept := range map[string]string{
		`{}`: `{}`,
		`{"contentTypes":["Text/Plain; x=1"],"resourceTypes":[]}`: `{"contentTypes":["text/plain"],"resourceTypes":[]}`,
	} {
		c, err := ParseCapability([]byte(given))
		if b, _ := json.Marshal(c); string(b) != kept || err != nil {
			t.Errorf("%s is %s, %v", given, b, err)
		}
	}
	many := `"a/b"` + strings.Repeat(`,"a/b"`, maxCapability)
	for _, given := range []string{
		`[]`, `7`, `{"contentTypes":[]}`, `{"contentTypes":"text/plain"}`, `{"contentTypes":["x"]}`, `{"resourceTypes":[7]}`,
		`{"resourceTypes":["x"]}`, `{"contentTypes":[` + many + `]}`, `{"resourceTypes":["a/` + strings.Repeat("b", MaxID) + `"]}`,
	} {
		if _, err := ParseCapability([]byte(given)); AsReason(err) == nil || AsReason(err).Code != CodeCommandInvalidArgument {
			t.Errorf("%.80s: %v", given, err)
		}
	}
}
