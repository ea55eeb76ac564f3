package router

import (
	"context"
	"encoding/json"
	"testing"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestDirectoryIsThatOfADomain(t *testing.T) {
	d, err := openDirectory(t.Context(), natstest.JetStream(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(identity, document string) {
		t.Helper()
		err := d.Publish(t.Context(), lime.MustParseIdentity(identity), func(context.Context) (json.RawMessage, error) {
			if document == "" {
				return nil, nil
			}
			return json.RawMessage(document), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(what, domain string, wanted ...string) {
		t.Helper()
		d.lists = newLists(d.read) // as when they are old
		all, err := d.List(t.Context(), domain)
		if err != nil || len(all) != len(wanted) {
			t.Fatalf("%s: %s, %v, want %s", what, all, err, wanted)
		}
		for i := range all {
			if string(all[i]) != wanted[i] {
				t.Errorf("%s: %s, want %s", what, all[i], wanted[i])
			}
		}
	}
	want("nobody", "t.org")
	publish("bia@t.org", `"bia"`)
	publish("Ana@T.org", `"ana"`)
	publish("ana@sub.t.org", `"below"`)
	publish("ana@org", `"above"`)
	want("of the domain alone", "T.ORG", `"ana"`, `"bia"`)
	publish("ana@t.org", `"changed"`)
	publish("BIA@t.org", "")
	publish("nobody@t.org", "")
	if all, err := d.List(t.Context(), "t.org"); err != nil || len(all) != 2 {
		t.Errorf("a list that is fresh is read again: %s, %v", all, err)
	}
	want("changed", "t.org", `"changed"`)
	b, err := d.Published(t.Context(), lime.MustParseIdentity("ANA@t.org"))
	if string(b) != `"changed"` || err != nil {
		t.Errorf("Ana's is %s, %v", b, err)
	}
	if b, err := d.Published(t.Context(), lime.MustParseIdentity("bia@t.org")); b != nil || err != nil {
		t.Errorf("Bia's is %s, %v", b, err)
	}
}
