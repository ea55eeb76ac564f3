package lime

import "testing"

func TestEnumsAndBlankPPsAreWrittenAsPeersCanBearThem(t *testing.T) { // L-ENV-10, L-ENV-11
	for b, want := range map[string]string{
		`{"id":"1","event":"received"}`:                        "",
		`{"id":"1","event":"RECEIVED"}`:                        `{"id":"1","event":"received"}`,
		`{"method" : "Get","uri":"/x"}`:                        `{"method" : "get","uri":"/x"}`,
		`{"status":"Success","method":"SET"}`:                  `{"status":"success","method":"set"}`,
		`{"event":"\u0052eceived"}`:                            `{"event":"received"}`,
		`{"pp":"","id":"1"}`:                                   `{"id":"1"}`,
		`{"pp":null}`:                                          `{}`,
		`{"content":1,"pp":"","event":null,"method":"DELETE"}`: `{"content":1,"event":null,"method":"delete"}`,
	} {
		h := scan(t, []byte(b))
		r := Rewrite{RemovePP: h.BlankPP, Enums: h.LooseEnums}
		if r.IsZero() != (want == "") {
			t.Errorf("%s: changes nothing: %t", b, r.IsZero())
		}
		if want == "" {
			continue
		}
		if got := string(h.AppendRewritten(nil, []byte(b), r)); got != want {
			t.Errorf("%s became\n%s, want\n%s", b, got, want)
		}
	}
}

func TestAnEnvelopeOfTwoKindsIsRefused(t *testing.T) {
	for b, want := range map[string]*Reason{
		`{"content":"x","type":"text/plain"}`:                   nil,
		`{"content":"x","type":"text/plain","event":"failed"}`:  badKinds,
		`{"content":null,"type":"text/plain","method":"get"}`:   badKinds,
		`{"id":"1","method":"get","uri":"/x","state":"failed"}`: badKinds,
		`{"id":"1","event":"received","state":null}`:            badKinds,
	} {
		if h := scan(t, []byte(b)); h.Check() != want {
			t.Errorf("%s: %v, want %v", b, h.Check(), want)
		}
	}
}

func FuzzLoose(f *testing.F) {
	for _, b := range []string{
		`{"pp":null,"event":"RECEIVED","id":"1"}`, `{"a":1 , "pp" : "" }`, `{"method":"\u0047et","status":"SUCCESS","pp":""}`,
	} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h, after Header
		if _, err := h.Scan(b); err != nil {
			return
		}
		out := h.AppendRewritten(nil, b, Rewrite{RemovePP: h.BlankPP, Enums: h.LooseEnums})
		n, err := after.Scan(out)
		switch {
		case err != nil || n != len(out):
			t.Fatalf("%q became %q: %v", b, out, err)
		case after.LooseEnums || after.BlankPP:
			t.Fatalf("%q became %q, which is loose still", b, out)
		case after.Kind != h.Kind || after.Event != h.Event || after.Method != h.Method || after.Status != h.Status || after.State != h.State:
			t.Fatalf("%q became %q, which says something else", b, out)
		case string(after.ID) != string(h.ID) || string(after.From) != string(h.From) || string(after.To) != string(h.To) || string(after.PP) != string(h.PP):
			t.Fatalf("%q became %q, which is somebody else's", b, out)
		}
	})
}
