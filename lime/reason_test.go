package lime

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

func TestReasonsAreTheSameWhenTheirCodesAre(t *testing.T) {
	err := fmt.Errorf("log in: %w", NewReason(CodeSessionAuthenticationFailed, "The %s was wrong", "password"))
	if !errors.Is(err, &Reason{Code: CodeSessionAuthenticationFailed}) {
		t.Error("the same code is another reason")
	}
	if errors.Is(err, &Reason{Code: CodeGeneralError}) || errors.Is(err, (*Reason)(nil)) || errors.Is(err, ErrMalformed) {
		t.Error("another code is the same reason")
	}
	if r := AsReason(err); r == nil || r.Description != "The password was wrong" {
		t.Error(r)
	}
	if r := AsReason(errors.New("ours")); r != nil {
		t.Error(r)
	}
}

func TestReasonsPrintTheirCode(t *testing.T) {
	for want, r := range map[string]*Reason{
		"no route (code 42)":                      {42, "no route"},
		"ROUTING_DESTINATION_NOT_FOUND (code 42)": {Code: 42},
		"900 (code 900)":                          {Code: 900},
	} {
		if r.Error() != want {
			t.Errorf("%s, want %s", r, want)
		}
	}
}

func TestEveryCodeOfTheReferenceHasAName(t *testing.T) {
	n := 0
	for _, span := range [][2]Code{{1, 1}, {11, 18}, {21, 27}, {31, 35}, {41, 44}, {51, 51}, {61, 67}, {71, 71}, {81, 87}, {101, 101}} {
		for c := span[0]; c <= span[1]; c++ {
			if _, ok := codeNames[c]; !ok {
				t.Errorf("code %d has no name", c)
			}
			n++
		}
	}
	if n != len(codeNames) {
		t.Errorf("%d names for %d codes", len(codeNames), n)
	}
}

func TestAReasonMayBeWrittenAsAString(t *testing.T) { // L-ENV-12
	for in, want := range map[string]Reason{
		`"nope (Code 42)"`: {1, "nope (Code 42)"},
		` "nope\n"`:        {1, "nope\n"},
		`{"code":42}`:      {42, ""},
		`{"code":42,"description":"x","more":[]}`: {42, "x"},
		`{"description":"x"}`:                     {0, "x"},
	} {
		var r Reason
		if err := json.Unmarshal([]byte(in), &r); err != nil || r != want {
			t.Errorf("%s is %+v, %v", in, r, err)
		}
	}
	for _, in := range []string{`42`, `[]`, `{"code":"x"}`, `{"description":1}`, `true`} {
		var r Reason
		if err := json.Unmarshal([]byte(in), &r); err == nil {
			t.Errorf("%s is %+v", in, r)
		}
	}
	var r Reason
	if err := r.UnmarshalJSON([]byte(`"`)); err == nil {
		t.Error("half a string is a reason")
	}
}

func FuzzReason(f *testing.F) {
	f.Add([]byte(`{"code":42,"description":"no route"}`))
	f.Add([]byte(`"nope"`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again Reason
		if json.Unmarshal(b, &r) != nil {
			return
		}
		out := openObject(nil).reason(&r).close()
		var holder struct{ Reason *Reason }
		if err := json.Unmarshal(out, &holder); err != nil || *holder.Reason != r {
			t.Fatalf("%q is %+v, but %q is %+v, %v", b, r, out, holder.Reason, err)
		}
		std, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(std, &again); err != nil || again != r {
			t.Fatalf("%q is %+v, but %q is %+v, %v", b, r, std, again, err)
		}
	})
}
