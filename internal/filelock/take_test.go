package filelock

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestAFileIsOnes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	f, err := Take(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(name); !errors.Is(err, ErrTaken) {
		t.Errorf("while one has it: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = Take(name); err != nil {
		t.Fatalf("when it is given back: %v", err)
	}
	_ = f.Close()
	if _, err := Take(filepath.Join(name, "in a file")); err == nil || errors.Is(err, ErrTaken) {
		t.Errorf("in a folder that is none: %v", err)
	}
}
