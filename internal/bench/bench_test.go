package bench

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a module with one benchmark, in a repository of its own.
type repository struct {
	t   *testing.T
	cfg Config
	out bytes.Buffer
}

// body stands in the benchmark's loop; sink keeps what it makes from being optimized away.
const (
	makesNothing = "sink = nil"
	makesOne     = "sink = make([]byte, 64)"
	makesTwo     = "sink = make([]byte, 64); sink = make([]byte, 128)"
)

func newRepository(t *testing.T) *repository {
	r := &repository{t: t}
	r.cfg = Config{
		Root: t.TempDir(), Suite: []Package{{Path: "part", Exact: []string{"Make"}}},
		Rounds: 2, BenchTime: "10x", Benchstat: "echo", Out: &r.out,
	}
	r.write("go.mod", "module other\n\ngo 1.26\n")
	r.write(Baseline, "")
	r.git("init", "-q")
	return r
}

func (r *repository) write(name, text string) {
	path := filepath.Join(r.cfg.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repository) git(args ...string) string {
	out, err := git(r.t.Context(), r.cfg.Root, append([]string{"-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// benchmark sets what the benchmark does.
func (r *repository) benchmark(body string) {
	r.write("part/part_test.go", "package part\n\nimport \"testing\"\n\nvar sink []byte\n\n"+
		"func BenchmarkMake(b *testing.B) {\n\tfor b.Loop() {\n\t\t"+body+"\n\t}\n}\n")
}

func (r *repository) commit() (hash string) {
	r.git("add", ".")
	r.git("commit", "-q", "-m", "x")
	return r.git("rev-parse", "HEAD")
}

func (r *repository) read(name string) string {
	b, err := os.ReadFile(filepath.Join(r.cfg.Root, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func TestARiseAgainstTheBaselineFails(t *testing.T) {
	r := newRepository(t)
	r.benchmark(makesOne)
	commit := r.commit()
	if err := Renew(t.Context(), r.cfg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"commit: " + commit + "\n", "\nmachine: ", "\npkg: other/part\nBenchmarkMake 1000 64 B/op 1 allocs/op\n"} {
		if !strings.Contains(r.read(Baseline), want) {
			t.Errorf("the baseline has no %q:\n%s", want, r.read(Baseline))
		}
	}
	if err := Allocations(t.Context(), r.cfg); err != nil {
		t.Errorf("as it was: %v", err)
	}
	r.benchmark(makesTwo)
	if err := Allocations(t.Context(), r.cfg); !errors.Is(err, ErrRise) || !strings.Contains(err.Error(), "other/part.Make: 2 objects of 192 bytes") {
		t.Errorf("one object more: %v", err)
	}
	r.out.Reset()
	r.benchmark(makesNothing)
	if err := Allocations(t.Context(), r.cfg); err != nil || !strings.Contains(r.out.String(), "0 objects of 0 bytes an operation, in the baseline 1 of 64") {
		t.Errorf("less: %v\n%s", err, r.out.String())
	}
	r.cfg.Suite = []Package{{Path: "part", Exact: []string{"Make", "Gone"}}}
	if err := Allocations(t.Context(), r.cfg); err == nil || !strings.Contains(err.Error(), "part has no benchmark Gone") {
		t.Errorf("a name that no benchmark has: %v", err)
	}
}

func TestBothSidesRunInTurns(t *testing.T) {
	r := newRepository(t)
	r.benchmark(makesOne)
	r.commit()
	if err := Renew(t.Context(), r.cfg); err != nil {
		t.Fatal(err)
	}
	r.commit()
	r.benchmark(makesTwo) // and is not committed
	if err := Compare(t.Context(), r.cfg); !errors.Is(err, ErrRise) {
		t.Errorf("one object more: %v", err)
	}
	for name, allocs := range map[string]string{"old.txt": "1 allocs/op", "new.txt": "2 allocs/op"} {
		if n := strings.Count(r.read("bin/bench/"+name), allocs); n != r.cfg.Rounds {
			t.Errorf("%s has %d results with %s:\n%s", name, n, allocs, r.read("bin/bench/"+name))
		}
	}
	if trees := r.git("worktree", "list"); strings.Count(trees, "\n") != 0 {
		t.Errorf("a worktree is left:\n%s", trees)
	}
}

func TestACommitThatIsNotThereIsTold(t *testing.T) {
	r := newRepository(t)
	r.benchmark(makesOne)
	r.commit()
	r.cfg.Old = strings.Repeat("0", 40)
	if err := Compare(t.Context(), r.cfg); !errors.Is(err, ErrNoCommit) {
		t.Errorf("got %v", err)
	}
}

func TestAFilterThatFindsNothingIsAnError(t *testing.T) {
	if err := Allocations(t.Context(), Config{Bench: "^Nothing$"}); err == nil {
		t.Error("no benchmark was run, and that was fine")
	}
}
