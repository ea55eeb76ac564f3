package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v2"
)

const k6Scripts = "../loadtest/k6"

// k6Program builds k6 when the first test wants it: that takes minutes, unless `make deps` has.
var k6Program = sync.OnceValues(func() (string, error) {
	tool := exec.Command("../tools/build", "k6")
	tool.Stderr = os.Stderr
	path, err := tool.Output()
	return strings.TrimSpace(string(path)), err
})

// k6Result is what a script writes to OUT.
type k6Result struct {
	Script  string
	Passed  bool
	Counts  map[string]int
	Times   map[string]struct{ Count int }
	Crossed []string
}

// k6 is a run.
type k6 struct {
	*process
	out string
}

const (
	k6Passed  = 0
	k6Crossed = 99 // thresholds
)

// startK6 runs a script, or an archive, with options and more flags.
func startK6(t *testing.T, script string, options map[string]string, flags ...string) k6 {
	t.Helper()
	program, err := k6Program()
	if err != nil {
		t.Fatalf("build k6: %v", err)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "result.json")
	args := append([]string{"run", "--quiet", "--no-usage-report", "--address", "", "-e", "OUT=" + out}, flags...)
	for name, value := range options {
		args = append(args, "-e", name+"="+value)
	}
	return k6{startProcess(t, "k6", dir, program, append(args, script)...), out}
}

// ends waits for the end, with an exit status of k6's, and returns the script's result.
func (k k6) ends(t *testing.T, status int) (r k6Result) {
	t.Helper()
	if got := k.wantExit(t, 2*time.Minute).ExitStatus(); got != status {
		t.Fatalf("k6 ends with %d, not %d", got, status)
	}
	text, err := os.ReadFile(k.out)
	must(t, err)
	must(t, json.Unmarshal(text, &r))
	if r.Passed != (status == k6Passed) || r.Passed != (len(r.Crossed) == 0) {
		t.Errorf("k6 ends with %d, and the script's result is %+v", status, r)
	}
	return r
}

// patient are the thresholds of a test, which judges no time.
func patient(c *cluster, options map[string]string) map[string]string {
	all := map[string]string{
		"DOMAIN": domain, "VUS": "2", "SOCKETS": "6", "DURATION": "2s", "RATE": "30", "SETTLE": "30s", "TRIES": "10",
		"SESSION_P95": "60000", "DELIVERY_P95": "60000", "RECOVERY_P95": "60000",
	}
	var edges []string
	for _, e := range c.edges {
		edges = append(edges, e.url)
	}
	all["EDGES"] = strings.Join(edges, ",")
	for name, value := range options {
		all[name] = value
	}
	return all
}

func startK6Cluster(t *testing.T) *cluster {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	must(t, os.WriteFile(rules, []byte(`[{"room":"/k6/*","may":["enter","publish"]}]`), 0o600))
	return startCluster(t, 2, "-auth", "guest,plain", "-room-rules", rules)
}

// TestK6Scripts runs each of them for a moment.
func TestK6Scripts(t *testing.T) {
	t.Parallel()
	c := startK6Cluster(t)
	for name, row := range map[string]struct {
		script   string
		options  map[string]string
		sessions int // at least
		copies   int // of each message
		times    []string
	}{
		"ramp":        {script: "ramp", sessions: 12, times: []string{"session", "command"}},
		"chat":        {script: "chat", sessions: 12, copies: 1, times: []string{"session", "accepted", "delivery", "receipt"}},
		"chat, live":  {script: "chat", options: map[string]string{"STORED": "no"}, sessions: 12, copies: 1, times: []string{"delivery"}},
		"accounts":    {script: "chat", options: map[string]string{"AUTH": "plain", "RECEIPTS": "none"}, sessions: 12, copies: 1, times: []string{"accepted", "delivery"}},
		"group":       {script: "group", sessions: 12, copies: 6, times: []string{"accepted", "delivery", "receipt"}},
		"room":        {script: "group", options: map[string]string{"KIND": "room"}, sessions: 12, copies: 6, times: []string{"delivery"}},
		"storm":       {script: "storm", options: map[string]string{"WINDOW": "500ms", "DURATION": "500ms", "ROUNDS": "2"}, sessions: 32, copies: 1, times: []string{"recovery", "catch_up"}},
		"soak":        {script: "soak", options: map[string]string{"CHURN": "20", "DURATION": "4s"}, sessions: 13, copies: 1, times: []string{"delivery", "delivery_q1", "delivery_q4", "command"}},
		"of one name": {script: "chat", options: map[string]string{"RUN": "again"}, sessions: 12, copies: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startK6(t, filepath.Join(k6Here(t), row.script+".js"), patient(c, row.options)).ends(t, k6Passed)
			n := r.Counts
			if n["sessions"] < row.sessions || n["sent"] == 0 != (row.copies == 0) || n["received"] != row.copies*n["sent"] || n["lost"] != 0 {
				t.Errorf("it tells of %v", n)
			}
			for _, time := range row.times {
				if r.Times[time].Count == 0 {
					t.Errorf("it has no times of %s", time)
				}
			}
		})
	}
}

// TestK6FailsWithItsThresholds: a run whose edge dies, one whose edge never was, and one that
// wants the impossible.
func TestK6FailsWithItsThresholds(t *testing.T) {
	t.Parallel()
	c := startK6Cluster(t)
	chat := filepath.Join(k6Here(t), "chat.js")
	wantCrossed := func(r k6Result, threshold string) {
		t.Helper()
		if !slices.ContainsFunc(r.Crossed, func(one string) bool { return strings.HasPrefix(one, threshold+" ") }) {
			t.Errorf("%s holds; not held: %q", threshold, r.Crossed)
		}
	}

	impossible := startK6(t, chat, patient(c, map[string]string{"DELIVERY_P95": "0"}))
	nobody := startK6(t, chat, patient(c, map[string]string{"EDGES": "ws://" + address(freePorts(t, 1)), "TRIES": "1"}))
	wantCrossed(impossible.ends(t, k6Crossed), "lime_delivery_time")
	wantCrossed(nobody.ends(t, k6Crossed), "lime_sessions_failed")

	run := startK6(t, chat, patient(c, map[string]string{"DURATION": "5s", "SETTLE": "1s"}))
	eventually(t, "all clients are there", patience, func() error {
		for _, e := range c.edges {
			if status, err := e.status(t.Context()); err != nil || status.Sessions < 6 {
				return fmt.Errorf("%s has %d sessions, %w", e.name, status.Sessions, err)
			}
		}
		return nil
	})
	c.edges[0].kill()
	wantCrossed(run.ends(t, k6Crossed), "lime_sessions_ended")
}

// TestK6OnSeveralMachines runs the parts of an archive at once, as the k6 operator does: no two
// have the same people, or one would replace the other's sessions.
func TestK6OnSeveralMachines(t *testing.T) {
	t.Parallel()
	c := startK6Cluster(t)
	program, err := k6Program()
	must(t, err)
	archive := filepath.Join(t.TempDir(), "ramp.tar")
	args := []string{"archive", "-O", archive, filepath.Join(k6Here(t), "ramp.js")}
	for name, value := range patient(c, map[string]string{"RUN": "parts", "VUS": "5"}) {
		args = append(args, "-e", name+"="+value)
	}
	if output, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	var parts []k6
	for _, segment := range []string{"0:1/2", "1/2:1"} {
		parts = append(parts, startK6(t, archive, nil, "--execution-segment", segment, "--execution-segment-sequence", "0,1/2,1"))
	}
	all := 0
	for _, part := range parts {
		n := part.ends(t, k6Passed).Counts["sessions"]
		if n == 0 {
			t.Error("a part has no sessions")
		}
		all += n
	}
	if all != 5*6 {
		t.Errorf("%d sessions, not 30", all)
	}
}

// TestK6Documents: the options that are read are those that are described, and the manifest has
// no others.
func TestK6Documents(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(filepath.Join(k6Scripts, file))
		must(t, err)
		return string(text)
	}
	var used, described []string
	for _, match := range regexp.MustCompile(`(?:text|number|oneOf|milliseconds)\('([A-Z][A-Z0-9_]*)'`).FindAllStringSubmatch(read("options.js"), -1) {
		used = append(used, match[1])
	}
	for line := range strings.Lines(read("README.md")) {
		if row, found := strings.CutPrefix(line, "| `"); found {
			first, _, _ := strings.Cut(row, " | ")
			described = append(described, regexp.MustCompile(`\b[A-Z][A-Z0-9_]+\b`).FindAllString(first, -1)...)
		}
	}
	slices.Sort(used)
	slices.Sort(described)
	if len(used) < 20 || !slices.Equal(used, described) {
		t.Errorf("options.js reads %q, README.md describes %q", used, described)
	}

	// The parts of a TestRun that are in use, as the operator's api/v1alpha1 has them.
	var run struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       struct {
			Parallelism int32
			Separate    bool
			Script      struct {
				ConfigMap struct{ Name, File string } `yaml:"configMap"`
			}
			Arguments string
			Cleanup   string
			Runner    struct {
				Env       []struct{ Name, Value string }
				Resources struct{ Requests, Limits map[string]string }
			}
		}
	}
	must(t, yaml.UnmarshalStrict([]byte(read("testrun.yaml")), &run))
	if run.APIVersion != "k6.io/v1alpha1" || run.Kind != "TestRun" || run.Spec.Parallelism < 2 || run.Spec.Cleanup != "post" {
		t.Errorf("testrun.yaml is %+v", run)
	}
	read(run.Spec.Script.ConfigMap.File) // is there
	for _, e := range run.Spec.Runner.Env {
		if !slices.Contains(used, e.Name) {
			t.Errorf("testrun.yaml sets %s, which no script reads", e.Name)
		}
	}
}

// k6Here is the folder of the scripts, which k6 runs from elsewhere.
func k6Here(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(k6Scripts)
	must(t, err)
	return path
}
