package resource

import (
	"maps"
	"strings"
	"testing"
)

func TestPatternMatchesWholePaths(t *testing.T) {
	for _, row := range []struct {
		pattern, path string // the path's segments, joined by |
		segments      map[string]string
		ok            bool
	}{
		{"/contacts", "contacts", nil, true},
		{"/contacts", "Contacts", nil, true},
		{"/contacts", "contacts|ana@x", nil, false},
		{"/contacts", "", nil, false},
		{"/contacts/{identity}", "contacts", nil, false},
		{"/contacts/{identity}", "contacts|Ana@x", map[string]string{"identity": "Ana@x"}, true},
		{"/contacts/{identity}", "contacts|a|b", nil, false},
		{"/groups/{group}/members", "groups|G@x|MEMBERS", map[string]string{"group": "G@x"}, true},
		{"/groups/{group}/members/{member...}", "groups|g@x|members|a@x|home/1", map[string]string{"group": "g@x", "member": "a@x/home/1"}, true},
		{"/groups/{group}/members/{member...}", "groups|g@x|members|a@x", map[string]string{"group": "g@x", "member": "a@x"}, true},
		{"/groups/{group}/members/{member...}", "groups|g@x|members", nil, false},
	} {
		var path []string
		if row.path != "" {
			path = strings.Split(row.path, "|")
		}
		segments, ok := newPattern(row.pattern).match(path)
		if ok != row.ok || ok && !maps.Equal(segments, row.segments) {
			t.Errorf("%s of %s: %v %v, want %v %v", row.pattern, row.path, segments, ok, row.segments, row.ok)
		}
	}
}
