package room

import "testing"

func TestWhoMayEnter(t *testing.T) { // H-18, H-19, H-20, H-21, H-22
	for _, row := range []struct {
		allowed, asked string
		may            bool
	}{
		{`{"a":"1"}`, `{"a":"1"}`, true},
		{`{"a":"1"}`, `{"a":"2"}`, false},
		{`{"a":"1"}`, `{"a":"*"}`, false},
		{`{"a":"*"}`, `{"a":"1"}`, true},
		{`{"a":"*"}`, `{"a":"*"}`, true},
		{`{"a":"*"}`, `{"a":1}`, true},
		{`{"a":"*"}`, `{"a":{"b":[1]}}`, true},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":"*","b":"*"}`, `{"a":1,"b":"*"}`, true},
		{`{"a":"*","b":"*"}`, `{"b":"*","a":1}`, true},
		{`{"a":"*","b":"*"}`, `{"a":1}`, false},
		{`{"a":"*"}`, `{"a":1,"b":1}`, false},
		{`{"a":"*"}`, `{"b":1}`, false},
		{`{"a":{"b":"*"}}`, `{"a":{"b":1}}`, false}, // a part of a value is no wildcard
		{`{"a":"x*"}`, `{"a":"xy"}`, false},
		{`{}`, `{}`, true},
		{`{}`, `{"a":"*"}`, false},
		{`"/ride/*"`, `"/ride/42"`, true},
		{`"/ride/*"`, `"/ride/42/x"`, false},
		{`"/ride/*"`, `"/walk/42"`, false},
		{`"/ride/42"`, `"/ride/*"`, false},
		{`"/*"`, `{"*":"*"}`, false},
		{`"/\"*\""`, `"/x"`, false}, // a segment with quotes
	} {
		if may := must(t, row.allowed).Allows(must(t, row.asked)); may != row.may {
			t.Errorf("%s allows %s: %t", row.allowed, row.asked, may)
		}
	}
}

func TestWhomAPublicationReaches(t *testing.T) { // H-41, and the table of high-templar's rooms
	for _, row := range []struct {
		subscribed, published string
		in                    [4]bool // by sides
	}{
		{`{"a":"1"}`, `{"a":"1"}`, [...]bool{Neither: true, Publisher: true, Subscriber: true, Both: true}},
		{`{"a":"*"}`, `{"a":"*"}`, [...]bool{Neither: true, Publisher: true, Subscriber: true, Both: true}},
		{`{"a":"1"}`, `{"a":"*"}`, [...]bool{Publisher: true, Both: true}},
		{`{"a":"*"}`, `{"a":"1"}`, [...]bool{Subscriber: true, Both: true}},
		{`{"a":"1","b":"*"}`, `{"a":"*","b":"2"}`, [...]bool{Both: true}},
		{`{"a":"1"}`, `{"a":"2"}`, [...]bool{Both: false}},
		{`{"a":1}`, `{"a":"1"}`, [...]bool{Both: false}},
		{`{"a":"1","b":"2"}`, `{"a":"*"}`, [...]bool{Both: false}},
		{`"/ride/42"`, `"/ride/*"`, [...]bool{Publisher: true, Both: true}},
		{`"/ride/*"`, `"/ride/42"`, [...]bool{Subscriber: true, Both: true}},
	} {
		for sides, want := range row.in {
			if got := must(t, row.published).Reaches(must(t, row.subscribed), Sides(sides)); got != want {
				t.Errorf("sides %d: who is in %s gets what goes to %s: %t", sides, row.subscribed, row.published, got)
			}
		}
	}
	for text, wild := range map[string]bool{`{"a":"*"}`: true, `{"a":["*"]}`: false, `"/a/*"`: true, `"/a*"`: false, `{}`: false} {
		if must(t, text).Wild() != wild {
			t.Errorf("%s has a wildcard: %t", text, !wild)
		}
	}
}
