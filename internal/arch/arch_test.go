package arch

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestImportsPointDown(t *testing.T) {
	violations, err := check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
}

// The checker itself: each case plants one file beside a clean one.
func TestPlantedViolationIsReported(t *testing.T) {
	for _, tc := range []struct {
		name, file, imports string
		want                string // "" when the import is allowed
	}{
		{"a sibling", "presence/store.go", "limegrove/cluster", "presence may import lime"},
		{"upwards", "edge/poll/loop.go", "limegrove/edge", "edge/poll may import internal/nowait, internal/complaint"},
		{"its client", "presence/store.go", "limegrove/routing", "presence may import lime"},
		{"down", "routing/hub.go", "limegrove/presence", ""},
		{"a part with a row of its own", "edge/poll/loop.go", "limegrove/edge/auth", "edge/poll may import internal/nowait, internal/complaint"},
		{"cmd knows everyone", "cmd/edge/main.go", "limegrove/routing", ""},
		{"within one row", "presence/a/a.go", "limegrove/presence/b", ""},

		{"the standard library", "lime/node.go", "encoding/json", ""},
		{"a library in lime", "lime/node.go", "github.com/sirupsen/logrus", "lime uses the standard library alone"},
		{"a library at home", "presence/store.go", "github.com/redis/go-redis/v9", ""},
		{"a package of a library at home", "routing/js.go", "github.com/nats-io/nats.go/jetstream", ""},
		{"a library elsewhere", "edge/edge.go", "github.com/redis/go-redis/v9", "it belongs to presence"},
		{"a library whose name goes on", "presence/store.go", "github.com/redis/go-redis/v90", "the library has no row in the table"},
		{"a library for everyone", "cluster/gossip.go", "github.com/sirupsen/logrus", ""},
		{"a library unheard of", "routing/hub.go", "example.com/new", "the library has no row in the table"},

		{"a server in a test", "routing/hub_test.go", "github.com/nats-io/nats-server/v2/server", ""},
		{"internal in a test", "routing/hub_test.go", "limegrove/internal/x", ""},
		{"internal outside tests", "routing/hub.go", "limegrove/internal/x", "routing may import lime, presence, room, event, prepared, tracing, internal/complaint, internal/nowait"},
		{"a kit in a test", "routing/hub_test.go", "limegrove/presence/presencetest", ""},
		{"a kit outside tests", "routing/hub.go", "limegrove/presence/presencetest", "a test kit is for tests"},
		{"a server in a kit", "presence/presencetest/suite.go", "github.com/alicebob/miniredis/v2", ""},
		{"a sibling in a test", "presence/store_test.go", "limegrove/cluster", "presence may import lime"},

		{"a folder unheard of", "util/util.go", "fmt", "its folder has no row in the table"},
		{"an import of one", "edge/edge.go", "limegrove/util", "the package has no row in the table"},
		{"for another system", "cluster/x_darwin.go", "limegrove/edge", "cluster may import lime, internal/complaint"},
		{"no package of ours", "edge/testdata/x.go", "limegrove/cluster", ""},
		{"installed by npm", "e2e/js/node_modules/x/x.go", "example.com/new", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := fstest.MapFS{
				"go.mod":      {Data: []byte("module limegrove")},
				"lime/doc.go": {Data: []byte("package lime")},
				tc.file:       {Data: []byte("package p\n\nimport _ \"" + tc.imports + "\"\n")},
			}
			got, err := check(tree)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" && len(got) > 0 {
				t.Fatalf("it is allowed, and was reported: %q", got)
			}
			if tc.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tc.file) || !strings.HasSuffix(got[0], ": "+tc.want)) {
				t.Fatalf("got %q, want one line of %s that ends in %q", got, tc.file, tc.want)
			}
		})
	}
}

func TestOtherModulesAreNotOurs(t *testing.T) {
	got, err := check(fstest.MapFS{
		"tools/x/go.mod":   {Data: []byte("module limegrove/tools/x")},
		"tools/x/tools.go": {Data: []byte("package x\n\nimport _ \"example.com/new\"\n")},
	})
	if err != nil || len(got) > 0 {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestBrokenFileIsAnError(t *testing.T) {
	if _, err := check(fstest.MapFS{"lime/x.go": {Data: []byte("import")}}); err == nil {
		t.Fatal("a file that does not parse went by unseen")
	}
}

func TestTableNamesItsOwnRows(t *testing.T) {
	known := []string{everything}
	for _, f := range folders {
		known = append(known, f.path)
	}
	for _, f := range folders {
		for _, name := range f.ours {
			if !slices.Contains(known, name) {
				t.Errorf("the row of %s names %s, which has none", f.path, name)
			}
		}
	}
	for _, l := range libraries {
		for _, name := range l.rows {
			if !slices.Contains(known, name) {
				t.Errorf("the row of %s names %s, which has none", l.path, name)
			}
		}
	}
}
