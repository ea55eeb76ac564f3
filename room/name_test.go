package room

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"limegrove/lime"
)

func must(t testing.TB, text string) Name {
	t.Helper()
	n, err := Of([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

func TestOneRoomHasOneText(t *testing.T) { // H-17, H-22
	for text, same := range map[string][]string{
		`?depot=3;target="ride"`:               {`{"target":"ride","depot":3}`, "\t{ \"depot\" : 3, \"target\" : \"r\\u0069de\" }\n", `{"depot":4,"target":"ride","depot":3}`},
		`?depot="3";target="ride"`:             {`{"target":"ride","depot":"3"}`},
		`?depot=3e+00;target="ride"`:           {`{"target":"ride","depot":3.0}`, `{"target":"ride","depot":30e-1}`},
		`?a=0`:                                 {`{"a":0}`, `{"a":-0}`},
		`?a=123456789012345678901234567`:       {`{"a":123456789012345678901234567}`},
		`?`:                                    {`{}`},
		`?a={"b":[1,null,true],"c":"\u003b="}`: {`{"a":{"c":";=","b":[1, null,true]}}`},
		`?%25%3d%3b%2f%22="x"`:                 {`{"%=;/\"":"x"}`},
		`?=""`:                                 {`{"":""}`},
		`/ride/42`:                             {`"/ride/42"`},
		`/a%25b%3bc%3d%22*%22/Ünï`:             {`"/a%b;c=\"*\"/Ünï"`},
		`/*`:                                   {`"/*"`},
	} {
		for _, j := range same {
			n := must(t, j)
			if string(n) != text {
				t.Errorf("%s is %s, want %s", j, n, text)
			}
			again := must(t, string(n.AppendJSON(nil)))
			if again != n {
				t.Errorf("%s is written as %s, which is %s", n, n.AppendJSON(nil), again)
			}
		}
		if parsed, err := Parse(text); err != nil || string(parsed) != text {
			t.Errorf("%s is parsed as %s (%v)", text, parsed, err)
		}
	}
}

func TestWhatNamesNoRoom(t *testing.T) {
	for _, j := range []string{
		``, `[]`, `5`, `null`, `true`, `"ride"`, `"/"`, `"/a//b"`, `"/a/"`, `"/a\nb"`, `{"a":1`, `{"a":1}x`, `{"a":1} {}`,
		`{"a":1e999}`, `{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`,
		`{"a":"` + strings.Repeat("x", lime.MaxPart) + `"}`, `{"a":"` + strings.Repeat("X", lime.MaxPart/3) + `"}`,
	} {
		if n, err := Of([]byte(j)); !errors.Is(err, ErrName) {
			t.Errorf("%s names %s (%v)", j, n, err)
		}
	}
	for _, text := range []string{"", "ride", "/", "//", "/%", "/%41", "/%2A", "/a;b", "?a", "?a=", "?a=01", `?b=1;a=1`, `?a=1;a=1`, "?a= 1", "?a=1;", "?;"} {
		if n, err := Parse(text); !errors.Is(err, ErrName) {
			t.Errorf("%s is parsed as %s (%v)", text, n, err)
		}
	}
	for _, parts := range [][]string{{""}, {"/1", "a", "b"}, {"/2", "a"}, {"?a;", "1", "2"}, {"?a;b;", "1"}, {"?a;", "x"}, {"?", "1"}, {"?b;a;", "1", "2"}, {"x"}} {
		if n, err := Join(parts[0], parts[1:]); !errors.Is(err, ErrName) {
			t.Errorf("%q are joined to %s (%v)", parts, n, err)
		}
	}
	for _, segments := range [][]string{nil, {""}, {"a", ""}, {"\x00"}, {"\xff"}} {
		if n, err := Path(segments...); !errors.Is(err, ErrName) {
			t.Errorf("%q name %s (%v)", segments, n, err)
		}
	}
}

func TestRoomsDifferAsAddressesDo(t *testing.T) {
	for _, j := range []string{`{"target":"Ride","depot":"&<>@:'"}`, `"/Ride/É/a b"`, `{}`, `{"a":{"B":[1.5]}}`} {
		n := must(t, j)
		identity, err := lime.ParseIdentity(n.Address() + "@rooms.example.org")
		if err != nil {
			t.Errorf("%s is no name: %v", n.Address(), err)
			continue
		}
		for _, spelled := range []string{identity.Name, strings.ToUpper(identity.Name)} {
			if back, err := FromAddress(spelled); err != nil || back != n {
				t.Errorf("%s, as %s, is the room %s (%v)", n, spelled, back, err)
			}
		}
	}
	if a, b := must(t, `"/Ride"`).Address(), must(t, `"/ride"`).Address(); strings.EqualFold(a, b) {
		t.Errorf("two rooms have the addresses %s and %s", a, b)
	}
	for _, bad := range []string{"", "ride", "%", "%2fride%zz", "%2fa%2f", "%3fa%3d01"} {
		if n, err := FromAddress(bad); !errors.Is(err, ErrName) {
			t.Errorf("%s is the address of %s (%v)", bad, n, err)
		}
	}
}

func FuzzRoom(f *testing.F) {
	for _, seed := range []string{`{"target":"ride","depot":3}`, `"/ride/42"`, `{"a":{"b":[1,null,"*"]},"=;%\"/":1.50}`, `{}`, `"/*/É"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Of(b)
		if err != nil {
			return
		}
		written := n.AppendJSON(nil)
		if !json.Valid(written) {
			t.Fatalf("%s is written as %s", n, written)
		}
		if again, err := Of(written); again != n || err != nil {
			t.Errorf("%s, written as %s, is %s (%v)", n, written, again, err)
		}
		if again, err := Parse(string(n)); again != n || err != nil {
			t.Errorf("%s is parsed as %s (%v)", n, again, err)
		}
		if again, err := FromAddress(n.Address()); again != n || err != nil {
			t.Errorf("%s has the address %s of %s (%v)", n, n.Address(), again, err)
		}
		if _, err := lime.ParseIdentity(n.Address() + "@rooms.t"); err != nil {
			t.Errorf("%s has the address %s: %v", n, n.Address(), err)
		}
		if again, err := Join(n.Split()); again != n || err != nil {
			t.Errorf("%s, split and joined, is %s (%v)", n, again, err)
		}
		if !n.Reaches(n, Neither) || !n.Allows(n) {
			t.Errorf("%s does not reach or allow itself", n)
		}
	})
}
