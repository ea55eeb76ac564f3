package table

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPageKeepsWhatIsAroundItsTables(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("before\n"+begin+"old\n"+end+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was made before goes
		if err := Rewrite(page, "new\n"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if want := "before\n" + begin + "\nnew\n\n" + end + "after\n"; err != nil || string(text) != want {
			t.Errorf("it is %q, want %q: %v", text, want, err)
		}
	}
	if err := os.WriteFile(page, []byte("no place"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Rewrite(page, "new\n"); err == nil {
		t.Error("a page without a place for tables was written")
	}
}
