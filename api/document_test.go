package api

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTheDocumentHasWhatIsServedAndNothingElse(t *testing.T) {
	w := newWorld(t)
	served := map[string]Scope{documentPath + " get": ""}
	ids := map[string]string{documentPath + " get": "getDocument"}
	for _, o := range w.operations() {
		at := o.path + " " + strings.ToLower(o.method)
		served[at], ids[at] = o.scope, o.id
	}
	described := map[string]bool{}
	for path, item := range w.described.doc["paths"].(map[string]any) {
		for method, o := range item.(map[string]any) {
			at, o := path+" "+method, o.(map[string]any)
			described[at] = true
			scope, ok := served[at]
			if !ok {
				t.Errorf("%s is in the document and not served", at)
				continue
			}
			if has, _ := o["x-scope"].(string); Scope(has) != scope {
				t.Errorf("%s has the scope %q in the document, and needs %q", at, has, scope)
			}
			if o["operationId"] != ids[at] {
				t.Errorf("%s is called %v in the document, and %s here", at, o["operationId"], ids[at])
			}
			if _, ok := o["responses"].(map[string]any)["default"]; !ok && at != documentPath+" get" {
				t.Errorf("%s has no problems", at)
			}
		}
	}
	for at := range served {
		if !described[at] {
			t.Errorf("%s is served and not in the document", at)
		}
	}
}

func TestTheDocumentsPathsHaveTheirParameters(t *testing.T) {
	d := newDocument(t)
	known := d.doc["components"].(map[string]any)["parameters"].(map[string]any)
	for path, item := range d.doc["paths"].(map[string]any) {
		for method, o := range item.(map[string]any) {
			var given, wanted []string
			parameters, _ := o.(map[string]any)["parameters"].([]any)
			once := false
			for _, p := range parameters {
				p := p.(map[string]any)
				if ref, ok := p["$ref"].(string); ok {
					p = known[strings.TrimPrefix(ref, "#/components/parameters/")].(map[string]any)
				}
				if p["in"] == "path" {
					given = append(given, p["name"].(string))
				}
				once = once || p["name"] == headerIdempotency
			}
			for part := range strings.SplitSeq(path, "/") {
				if name, ok := strings.CutPrefix(part, "{"); ok {
					wanted = append(wanted, strings.TrimSuffix(name, "}"))
				}
			}
			if !slices.Equal(given, wanted) {
				t.Errorf("%s %s has the parameters %v", method, path, given)
			}
			if once != (method != "get") {
				t.Errorf("%s %s: Idempotency-Key: %t", method, path, once)
			}
		}
	}
}

func TestTheDocumentHasEveryProblemAndScope(t *testing.T) {
	d := newDocument(t)
	kinds := []string{
		kindUnknownKey, kindForbidden, kindNotFound, kindMethod, kindMalformed, kindInvalid, kindTooLarge, kindMediaType, kindRefused,
		kindConflict, kindRunning, kindMismatch, kindTooMany, kindTimeout, kindUnavailable, kindInternal,
	}
	described := slices.Sorted(maps.Keys(d.doc["x-problems"].(map[string]any)))
	slices.Sort(kinds)
	if !slices.Equal(kinds, described) {
		t.Errorf("x-problems are %v, want %v", described, kinds)
	}
	schemas := d.doc["components"].(map[string]any)["schemas"].(map[string]any)
	var types []string
	for _, v := range schemas["Problem"].(map[string]any)["properties"].(map[string]any)["type"].(map[string]any)["enum"].([]any) {
		types = append(types, strings.TrimPrefix(v.(string), problemType))
	}
	slices.Sort(types)
	if !slices.Equal(types, kinds) {
		t.Errorf("the types of Problem are %v", types)
	}
	var scopes []Scope
	for _, v := range schemas["Scope"].(map[string]any)["enum"].([]any) {
		scopes = append(scopes, Scope(v.(string)))
	}
	if !slices.Equal(scopes, Scopes()) {
		t.Errorf("the scopes are %v", scopes)
	}
	for name := range schemas {
		d.schema(t, "/components/schemas/"+name) // each is one
	}
}

func TestTheDocumentHasTheMembersThatAreRead(t *testing.T) {
	d := newDocument(t)
	schemas := d.doc["components"].(map[string]any)["schemas"].(map[string]any)
	for name, given := range map[string]any{
		"Message": givenMessage{}, "GroupMessage": givenGroupMessage{}, "Notification": givenNotification{}, "Command": givenCommand{},
		"Publication": givenPublication{}, "NewAccount": givenAccount{}, "AccountChange": givenAccountChange{},
		"NewAccountKey": givenAccountKey{}, "NewKey": givenKey{}, "Batch": givenBatch{}, "RoomGrants": givenGrants{},
	} {
		read := slices.Sorted(maps.Keys(membersOf(reflect.TypeOf(given))))
		described := slices.Sorted(maps.Keys(schemas[name].(map[string]any)["properties"].(map[string]any)))
		if !slices.Equal(read, described) {
			t.Errorf("%s: %v are read, and %v are in the document", name, read, described)
		}
	}
}

func TestTheDocumentIsServedToEverybody(t *testing.T) {
	w := newWorld(t)
	a := w.want("without a key", w.do(noKey, "GET", "/openapi.json", ""), 200, "")
	if a.body["openapi"] != "3.1.0" {
		t.Errorf("it is %v", a.body["openapi"])
	}
}
