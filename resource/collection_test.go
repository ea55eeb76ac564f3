package resource

import (
	"encoding/json"
	"strings"
	"testing"

	"limegrove/lime"
)

func TestCollectionIsPaged(t *testing.T) { // L-RES-11
	all := []string{"a", "b", "c", "d"}
	for uri, want := range map[string]string{
		"/x":                  `["a","b","c","d"]`,
		"/x?take=3":           `["a","b","c"]`,
		"/x?skip=3":           `["d"]`,
		"/x?take=2&skip=1":    `["b","c"]`,
		"/x?$take=2&$skip=1":  `["b","c"]`,
		"/x?take=0":           `[]`,
		"/x?skip=9":           `[]`,
		"/x?take=99999&skip=": `["a","b","c","d"]`,
	} {
		u, err := lime.ParseURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		p, err := pageOf(u)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
		}
		doc, err := collection(p, "text/plain", all)
		if body := `{"total":4,"itemType":"text/plain","items":` + want + `}`; err != nil || string(doc.Resource) != body || doc.Type != lime.MediaCollection {
			t.Errorf("%s: %s %s, %v, want %s", uri, doc.Type, doc.Resource, err, body)
		}
	}
}

func TestPageIsBoundedByItsBytes(t *testing.T) {
	text := strings.Repeat("<&>", 4096) // six bytes each where they are escaped for HTML
	all := make([]string, 50)
	for i := range all {
		all[i] = text
	}
	seen := 0
	for p := (page{take: maxTake}); p.skip < len(all); {
		doc, err := collection(p, "text/plain", all)
		if err != nil || len(doc.Resource) > maxPage+100 {
			t.Fatalf("from %d on: %d bytes, %v", p.skip, len(doc.Resource), err)
		}
		var got struct {
			Total int
			Items []string
		}
		if err := json.Unmarshal(doc.Resource, &got); err != nil || got.Total != len(all) || len(got.Items) == 0 || got.Items[0] != text {
			t.Fatalf("from %d on: %d of %d, %v", p.skip, len(got.Items), got.Total, err)
		}
		if p.skip == 0 && len(got.Items) != maxPage/(len(text)+3) {
			t.Errorf("a page has %d items", len(got.Items))
		}
		p.skip += len(got.Items)
		seen += len(got.Items)
	}
	if seen != len(all) {
		t.Errorf("%d items were seen, want %d", seen, len(all))
	}
	long := []string{strings.Repeat("x", maxPage), "y"}
	if doc, err := collection(page{take: 2}, "text/plain", long); err != nil || len(doc.Resource) <= maxPage || strings.Contains(string(doc.Resource), `"y"`) {
		t.Errorf("one that is longer alone comes alone: %d bytes, %v", len(doc.Resource), err)
	}
}

func TestPageIsBounded(t *testing.T) {
	for query, take := range map[string]int{"": defaultTake, "?take=501": maxTake, "?take=499": 499} {
		u, err := lime.ParseURI("/x" + query)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := pageOf(u); p.take != take || err != nil {
			t.Errorf("%s: takes %d, %v, want %d", query, p.take, err, take)
		}
	}
	for _, query := range []string{"take=-1", "skip=-1", "take=x", "skip=1e3", "take=" + strings.Repeat("9", 30)} {
		u, err := lime.ParseURI("/x?" + query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pageOf(u); lime.AsReason(err) == nil || lime.AsReason(err).Code != lime.CodeCommandInvalidArgument {
			t.Errorf("%s: %v, want code 64", query, err)
		}
	}
}
