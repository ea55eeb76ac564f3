package config

import (
	"io"
	"regexp"
	"strings"
	"testing"
)

// TestTemplatesAreTheDefaults: as they are, and with all their settings taken for ones.
func TestTemplatesAreTheDefaults(t *testing.T) {
	settings := regexp.MustCompile(`(?m)^#([a-z])`)
	for name, tc := range map[string]struct {
		template func() (string, error)
		args     []string
		read     func(args []string) (*Settings, error)
	}{
		"edge": {EdgeTemplate, []string{"-id", "edge-1"}, func(args []string) (*Settings, error) {
			_, s, err := ReadEdge(args, noEnvironment, io.Discard)
			return s, err
		}},
		"router": {RouterTemplate, []string{"-id", "router-1", "-nats", required["nats"], "-redis", required["redis"]}, func(args []string) (*Settings, error) {
			_, s, err := ReadRouter(args, noEnvironment, io.Discard)
			return s, err
		}},
	} {
		text, err := tc.template()
		if err != nil {
			t.Fatal(name, err)
		}
		without, err := tc.read(tc.args)
		if err != nil {
			t.Fatal(name, err)
		}
		all := settings.ReplaceAllString(text, "$1")
		if n := len(regexp.MustCompile(`(?m)^[a-z]`).FindAllString(all, -1)); n != len(without.all) {
			t.Errorf("%s: %d settings of %d are in the template", name, n, len(without.all))
		}
		for what, file := range map[string]string{"as it is": text, "taken for settings": all} {
			got, err := tc.read([]string{"-config", yamlFile(t, file), "-id", without.all["id"].value})
			if err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
				continue
			}
			for flag, want := range without.all {
				if is := got.all[flag]; is.inside != want.inside {
					t.Errorf("%s, %s: %s is %q, and %q by default", name, what, flag, is.inside, want.inside)
				}
			}
		}
		if again, _ := tc.template(); again != text || strings.Contains(text, "not shown") {
			t.Errorf("%s: it is another one each time, or hides something:\n%s", name, text)
		}
	}
}
