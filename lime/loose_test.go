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
