package spool

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is a spool that ends with the test.
func opened(t testing.TB, dir string, cfg Config) *Spool {
	t.Helper()
	s, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s *Spool, text string) uint64 {
	t.Helper()
	number, err := s.Put("text/plain", []byte(text))
	if err != nil || number == 0 {
		t.Fatalf("put: %d, %v", number, err)
	}
	return number
}

// all are the texts that are kept.
func all(t testing.TB, s *Spool) (texts []string) {
	t.Helper()
	for after := uint64(0); ; {
		number, text, err := s.Next(after)
		if err != nil {
			t.Fatal(err)
		}
		if number == 0 {
			return texts
		}
		if number <= after {
			t.Fatalf("%d comes behind %d", number, after)
		}
		after = number
		texts = append(texts, string(text))
	}
}

func TestMessagesAreKeptInOrder(t *testing.T) {
	for _, cfg := range []Config{{}, {SyncEach: true}, {SyncEvery: -1}} {
		dir := filepath.Join(t.TempDir(), "a", "b")
		s := opened(t, dir, cfg)
		first := put(t, s, "one")
		second := put(t, s, "two")
		put(t, s, "three")
		if first == 0 || second <= first {
			t.Errorf("the numbers %d and %d", first, second)
		}
		if err := s.Remove(second); err != nil {
			t.Error(err)
		}
		if err := s.Remove(second); err != nil {
			t.Errorf("once more: %v", err)
		}
		if got := fmt.Sprint(all(t, s)); got != "[one three]" {
			t.Error(got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Put("text/plain", nil); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		s = opened(t, dir, cfg)
		if got := fmt.Sprint(all(t, s)); got != "[one three]" {
			t.Errorf("of the process before: %s", got)
		}
		if fourth := put(t, s, "four"); fourth <= second+1 {
			t.Errorf("the number %d is given twice", fourth)
		}
		if st := s.Stats(); st.Count != 3 || st.Bytes != int64(len("onethreefour")) || st.Damaged != 0 || st.Err != nil {
			t.Errorf("%+v", st)
		}
	}
}

func TestWhatDoesNotFitIsItsSenders(t *testing.T) {
	s := opened(t, t.TempDir(), Config{
		Limit: Limit{Count: 5, Bytes: 100},
		Types: map[string]Limit{"text/log": {Count: 2}, "text/never": {Count: -1}, "": {Bytes: 60}},
	})
	keep := func(mediaType string, size int) (uint64, error) { return s.Put(mediaType, make([]byte, size)) }
	for _, tc := range []struct {
		mediaType string
		size      int
		full      bool
	}{
		{"text/log", 1, false},
		{"text/log", 1, false},
		{"text/log", 1, true}, // of its type
		{"a/b", 61, true},     // of the bytes of the others
		{"a/b", 60, false},
		{"c/d", 1, true},
		{"text/never", 1 << 20, false}, // not kept, so that it does fit
	} {
		number, err := keep(tc.mediaType, tc.size)
		if errors.Is(err, ErrFull) != tc.full || (number == 0) != (tc.full || tc.mediaType == "text/never") {
			t.Errorf("%d bytes of %s: %d, %v", tc.size, tc.mediaType, number, err)
		}
	}
	if st := s.Stats(); st.Count != 3 || st.Refused != 3 {
		t.Errorf("%+v", st)
	}
	whole := opened(t, t.TempDir(), Config{Limit: Limit{Count: 2, Bytes: 100}})
	first, _ := whole.Put("a/b", make([]byte, 90))
	if _, err := whole.Put("a/b", make([]byte, 11)); !errors.Is(err, ErrFull) {
		t.Errorf("too many bytes: %v", err)
	}
	if _, err := whole.Put("a/b", make([]byte, 10)); err != nil {
		t.Error(err)
	}
	if _, err := whole.Put("a/b", nil); !errors.Is(err, ErrFull) {
		t.Errorf("too many: %v", err)
	}
	if err := whole.Remove(first); err != nil {
		t.Error(err)
	}
	if _, err := whole.Put("a/b", nil); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	for _, cfg := range []Config{{Limit: Limit{Count: -1}}, {Types: map[string]Limit{"Text/Plain": {}}}, {Types: map[string]Limit{"a/b": {Bytes: -1}}}} {
		if _, err := Open(t.TempDir(), cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}

// Whatever is at the end of the last file, what is before it is kept.
func TestHalfARecordIsDroppedAndCounted(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{SyncEvery: -1})
	gone := put(t, s, "zero")
	put(t, s, "one")
	if err := s.Remove(gone); err != nil {
		t.Fatal(err)
	}
	before := s.Stats().Disk
	put(t, s, "two")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%016x%s", 1, suffix)))
	if err != nil {
		t.Fatal(err)
	}
	for cut := before; cut <= int64(len(whole)); cut++ {
		for i, tail := range []string{"", "\x00\x00\x00\x00", strings.Repeat("\x00", 4096), "\xff\xff\xff\xff garbage"} {
			if cut == int64(len(whole)) && tail == "" {
				continue
			}
			dir := t.TempDir()
			name := filepath.Join(dir, fmt.Sprintf("%016x%s", 1, suffix))
			if err := os.WriteFile(name, append(whole[:cut:cut], tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			want, damaged := "[one]", uint64(1)
			if cut == int64(len(whole)) {
				want = "[one two]"
			}
			if cut == before && tail == "" {
				damaged = 0
			}
			s := opened(t, dir, Config{SyncEvery: -1})
			if got := fmt.Sprint(all(t, s)); got != want || s.Stats().Damaged != damaged {
				t.Errorf("cut at %d of %d, and the tail %d behind: %s, %+v", cut, len(whole), i, got, s.Stats())
			}
			put(t, s, "three")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = opened(t, dir, Config{SyncEvery: -1})
			want = strings.TrimSuffix(want, "]") + " three]"
			if got := fmt.Sprint(all(t, s)); got != want || s.Stats().Damaged != 0 {
				t.Errorf("it goes on behind a cut at %d with the tail %d: %s, %+v", cut, i, got, s.Stats())
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A wrong bit costs its record, or the rest of a file, and nothing else.
func TestWrongBitCostsItsRecord(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{SyncEvery: -1})
	for _, text := range []string{"one", "two", "three"} {
		put(t, s, text)
	}
	name := s.files[0].Name()
	at := s.entries[1].at + headSize + bodySize
	broken, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	broken[at+3] ^= 1
	if err := os.WriteFile(name, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(all(t, s)); got != "[one three]" || s.Stats().Damaged != 1 {
		t.Errorf("while it is open: %s, %+v", got, s.Stats())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, Config{})
	if got := fmt.Sprint(all(t, s)); got != "[one three]" || s.Stats().Damaged != 1 || s.Stats().Count != 2 {
		t.Errorf("%s, %+v", got, s.Stats())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, Config{})
	put(t, s, "new")
	if got := fmt.Sprint(all(t, s)); got != "[new]" || s.Stats().Damaged != 1 {
		t.Errorf("a file that is not ours: %s, %+v", got, s.Stats())
	}
}

// The files stay below twice of what is kept and a file or two, whatever is kept.
func TestFilesAreGivenBack(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{Limit: Limit{Bytes: 1 << 20}, SyncEvery: -1})
	first := put(t, s, "the first")
	text := strings.Repeat("x", 1000)
	var numbers []uint64
	for i := range 5000 {
		numbers = append(numbers, put(t, s, text))
		if len(numbers) > 100 {
			if err := s.Remove(numbers[0]); err != nil {
				t.Fatal(err)
			}
			numbers = numbers[1:]
		}
		if disk := s.Stats().Disk; disk > 2*110_000+3*s.cfg.fileSize() {
			t.Fatalf("%d bytes of files for %d, after %d messages", disk, s.Stats().Bytes, i)
		}
	}
	if got := all(t, s); len(got) != 101 || got[0] != "the first" {
		t.Errorf("%d are kept, the first of them %q", len(got), got[0])
	}
	if err := s.Remove(first); err != nil {
		t.Error(err)
	}
	for _, n := range numbers {
		if err := s.Remove(n); err != nil {
			t.Error(err)
		}
	}
	for range 200 {
		if err := s.Remove(put(t, s, text)); err != nil {
			t.Error(err)
		}
	}
	if st := s.Stats(); st.Disk > 2*s.cfg.fileSize()+4096 || st.Count != 0 || st.Bytes != 0 || st.Err != nil {
		t.Errorf("of nothing %+v", st)
	}
	if len(s.entries) > 65 {
		t.Errorf("%d places", len(s.entries))
	}
}

// Against a list, over processes that end at any time.
func TestSpoolIsAListThatLasts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir := t.TempDir()
		cfg := Config{Limit: Limit{Bytes: 1 << 19, Count: 300}, SyncEvery: -1}
		s := opened(t, dir, cfg)
		type kept struct {
			number uint64
			text   string
		}
		var model []kept
		for range rapid.IntRange(1, 200).Draw(r, "steps") {
			switch rapid.IntRange(0, 20).Draw(r, "step") {
			case 0: // as if the process were killed: nothing is closed in order
				s.closeFiles()
				s = opened(t, dir, cfg)
			case 1, 2, 3, 4, 5, 6, 7:
				if len(model) == 0 {
					continue
				}
				i := rapid.IntRange(0, min(len(model)-1, 3)).Draw(r, "which")
				if err := s.Remove(model[i].number); err != nil {
					t.Fatal(err)
				}
				model = append(model[:i:i], model[i+1:]...)
			default:
				text := strings.Repeat(rapid.StringN(1, 3, 9).Draw(r, "text"), rapid.SampledFrom([]int{1, 100, 3000}).Draw(r, "times"))
				number, err := s.Put("a/b", []byte(text))
				if errors.Is(err, ErrFull) {
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				model = append(model, kept{number, text})
			}
		}
		var want []string
		for _, m := range model {
			want = append(want, m.text)
		}
		if got := all(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%d are kept, not %d, or others", len(got), len(want))
		}
		if st := s.Stats(); st.Damaged != 0 || st.Err != nil {
			t.Fatalf("%+v", st)
		}
		s.closeFiles()
	})
}

func TestManyPutAtOnce(t *testing.T) {
	s := opened(t, t.TempDir(), Config{SyncEach: true})
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 20 {
				if err := s.Remove(put(t, s, "gone")); err != nil {
					t.Error(err)
				}
				put(t, s, "kept")
			}
		})
	}
	running.Wait()
	if got := all(t, s); len(got) != 160 {
		t.Errorf("%d are kept", len(got))
	}
}

const holds = "SPOOL_TEST_HOLDS"

// A process has a directory for itself, and gives it back however it ends.
func TestDirectoryIsForOneProcess(t *testing.T) {
	if os.Getenv(holds) != "" {
		s, err := Open(".", Config{})
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "of the other")
		fmt.Println("open")
		select {} // until it is killed
	}
	dir := t.TempDir()
	s := opened(t, dir, Config{})
	if _, err := Open(dir, Config{}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("in this process: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestDirectoryIsForOneProcess$")
	other.Dir, other.Env = dir, append(os.Environ(), holds+"=yes")
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		t.Error(err)
	}
	if _, err := Open(dir, Config{}); !errors.Is(err, ErrInUse) {
		t.Errorf("while another process has it: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	s = opened(t, dir, Config{})
	if got := fmt.Sprint(all(t, s)); got != "[of the other]" {
		t.Errorf("what the other has kept: %s", got)
	}
}

// FuzzOpen opens whatever is in a file. Nothing of it may be an error.
func FuzzOpen(f *testing.F) {
	whole := appendRecord([]byte(magic), record{kind: kindPut, number: 1, mediaType: []byte("a/b"), text: []byte("one")})
	whole = appendRecord(whole, record{kind: kindRemove, number: 1})
	whole = appendRecord(whole, record{kind: kindPut, number: 1<<64 - 1, text: []byte("two")})
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte(magic))
	f.Add([]byte("something else"))
	f.Add(append([]byte(magic), 9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13))
	f.Fuzz(func(t *testing.T, file []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%016x%s", 1, suffix)), file, 0o600); err != nil {
			t.Fatal(err)
		}
		s := opened(t, dir, Config{SyncEvery: -1})
		kept := all(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s = opened(t, dir, Config{SyncEvery: -1}); fmt.Sprint(all(t, s)) != fmt.Sprint(kept) {
			t.Error("others are kept the second time")
		}
	})
}

func BenchmarkPut(b *testing.B) {
	for _, cfg := range []Config{{SyncEvery: -1}, {}, {SyncEach: true}} {
		b.Run(fmt.Sprintf("each %v every %v", cfg.SyncEach, cfg.SyncEvery), func(b *testing.B) {
			s := opened(b, b.TempDir(), cfg)
			text := []byte(strings.Repeat("x", 300))
			b.ReportAllocs()
			for b.Loop() {
				number, err := s.Put("text/plain", text)
				if err == nil {
					err = s.Remove(number)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
