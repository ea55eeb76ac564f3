package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"limegrove/internal/coverage"
)

var (
	metricInDocs = regexp.MustCompile("limegrove_[a-z_]+[a-z]")
	flagInDocs   = regexp.MustCompile("`-([a-z][a-z-]+)[ `]") // as the docs write them
)

// What the docs name is there: metrics and flags, by their names.
func TestDocsNameWhatExists(t *testing.T) {
	sources := goSources(t)
	for _, doc := range docs(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, metric := range metricInDocs.FindAllString(string(text), -1) {
			if !strings.Contains(sources, `"`+metric+`"`) {
				t.Errorf("%s names the metric %s, which no package has", filepath.Base(doc), metric)
			}
		}
		for _, flag := range flagInDocs.FindAllStringSubmatch(string(text), -1) {
			if name := flag[1]; !strings.Contains(sources, `"`+name+`"`) {
				t.Errorf("%s names the flag -%s, which no command has", filepath.Base(doc), name)
			}
		}
	}
}

// The tables of the protocols' checklists name the tests that cite them, and no other.
func TestCoverageIsWhatTestsCite(t *testing.T) {
	c, err := coverage.Read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

// docs are the pages that belong to the code.
func docs(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no docs: %v", err)
	}
	return append(pages, "../../README.md")
}

// goSources is the text of all Go files but tests.
func goSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "tools"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
