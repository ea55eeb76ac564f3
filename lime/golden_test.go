package lime

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the golden tests get into testdata")

// envelopes returns the golden envelopes of a folder in testdata by name.
func envelopes(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no envelopes in testdata/%s: %v", folder, err)
	}
	all := make(map[string][]byte, len(paths))
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = b
	}
	return all
}

// golden compares got with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// TestGoldenEnvelopesGoInAndOut scans each envelope of testdata/envelopes (in
// .json) and compares the header, what Check finds, and how the envelope
// leaves (in .golden).
func TestGoldenEnvelopesGoInAndOut(t *testing.T) {
	for name, b := range envelopes(t, "envelopes") {
		t.Run(name, func(t *testing.T) {
			golden(t, "envelopes/"+name+".golden", describe(t, b))
		})
	}
}

func describe(t *testing.T, b []byte) string {
	var h Header
	n, err := h.Scan(b)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "kind %s\nsize %d\nrest %q\n", h.Kind, h.Size, b[n:])
	for _, text := range []struct {
		name string
		text []byte
	}{{"id", h.ID}, {"from", h.From}, {"to", h.To}, {"pp", h.PP}, {"type", h.Type}, {"uri", h.URI}} {
		if text.text != nil {
			fmt.Fprintf(&out, "%s %s\n", text.name, text.text)
		}
	}
	for _, enum := range []fmt.Stringer{h.Event, h.Method, h.Status, h.State} {
		if enum.String() != "" {
			fmt.Fprintf(&out, "%T %s\n", enum, enum)
		}
	}
	if h.HasResource {
		fmt.Fprintln(&out, "with a resource")
	}
	if h.HasReason {
		fmt.Fprintln(&out, "with a reason")
	}
	if r := h.Check(); r != nil {
		fmt.Fprintln(&out, "refused:", r)
	}
	stamped := h.AppendRewritten(nil, b, Rewrite{From: []byte("alice@example.org/home"), RemovePP: true})
	fmt.Fprintf(&out, "stamped %s\n", stamped)
	if h.NeedsMending {
		mended := h.AppendMended(nil, b)
		fmt.Fprintf(&out, "mended %s\n", mended)
		if _, err := h.Scan(mended); err != nil || h.NeedsMending {
			t.Errorf("the mended envelope needs mending again: %v", err)
		}
	}
	return out.String()
}

// TestGoldenRefusals scans each envelope of testdata/refused.
func TestGoldenRefusals(t *testing.T) {
	for name, b := range envelopes(t, "refused") {
		t.Run(name, func(t *testing.T) {
			var h Header
			n, err := h.Scan(b)
			if n != 0 || !errors.Is(err, ErrMalformed) {
				t.Fatalf("got %d, %v; want an error that matches ErrMalformed", n, err)
			}
			golden(t, "refused/"+name+".golden", err.Error()+"\n")
		})
	}
}
