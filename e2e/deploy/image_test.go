package deploy

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestImageIsBuilt runs the commands of the Dockerfile's build stage on the files that a builder is given.
func TestImageIsBuilt(t *testing.T) {
	p := readPlan(t)
	if len(p.Stages) != 2 {
		t.Fatalf("%d stages", len(p.Stages))
	}
	build, last := p.Stages[0], p.Stages[1]
	if tag, ok := strings.CutPrefix(build.Base, "golang:"); !ok || !strings.HasPrefix(read(t, "../../go.mod"), "module limegrove\n\ngo "+strings.SplitN(tag, "-", 2)[0]) {
		t.Errorf("it is built in %s, which is not what go.mod names", build.Base)
	}
	dir := image(t)
	for _, program := range []string{"edge", "router"} {
		path := filepath.Join(dir, program)
		wantStatic(t, path)
		if got := strings.TrimSpace(string(output(t, path, "-version"))); got != version {
			t.Errorf("%s -version prints %q, and was stamped %q", program, got, version)
		}
	}

	if last.Base != "scratch" {
		t.Errorf("programs are put on %s", last.Base)
	}
	did := map[string][][]string{}
	for _, i := range last.Instructions {
		did[i.Name] = append(did[i.Name], i.Args)
	}
	if user := did["USER"]; len(user) != 1 || user[0][0] != "65532:65532" {
		t.Errorf("the user is %v, who has to be a number that is not 0: Kubernetes knows no names", user)
	}
	if entry := did["ENTRYPOINT"]; len(entry) != 1 || !slices.Equal(entry[0], []string{"/edge"}) {
		t.Errorf("%v is run", entry)
	}
	for _, want := range [][]string{{"build", "/out/edge", "/out/router", "/"}, {"build", "/out/data", "/data"}, {"build", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/"}} {
		if !slices.ContainsFunc(did["COPY"], func(got []string) bool { return slices.Equal(got, want) }) {
			t.Errorf("of %v, %v is not copied", did["COPY"], want)
		}
	}
	if len(did["RUN"]) > 0 {
		t.Error("something is run in an image without a shell")
	}

	for _, name := range []string{".git", "k8s", "docs", "bin", "e2e", "loadtest", "tools", "examples", "limegrove-data"} {
		if i := slices.IndexFunc(p.Files, func(f string) bool { return strings.HasPrefix(f, name+"/") }); i >= 0 {
			t.Errorf("the builder is given %s", p.Files[i])
		}
	}
}

// wantStatic wants a program that needs no library and no loader of the system's.
func wantStatic(t *testing.T, path string) {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }() // it was read
	libraries, err := program.ImportedLibraries()
	if err != nil || len(libraries) > 0 {
		t.Errorf("%s needs %v, %v", filepath.Base(path), libraries, err)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s needs a loader", filepath.Base(path))
		}
	}
}

// composition is what is looked at of a Compose file.
type composition struct {
	Services map[string]*service
	Configs  map[string]struct{ Content string }
}

type service struct {
	Image       string
	Entrypoint  []string
	Command     []string
	Environment map[string]string
	DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
	HealthCheck *struct{ Test []string }
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	StopGrace   string   `json:"stop_grace_period"`
	Ports       []struct {
		Target    int
		Published string
		HostIP    string `json:"host_ip"`
	}
}

// TestComposeFileFitsThePrograms: and what is made wrong is found.
func TestComposeFileFitsThePrograms(t *testing.T) {
	text := output(t, tool(t, "compose"), "../../compose.yaml")
	parse := func(text []byte) (c composition) {
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, wrong := range parse(text).check(natsVersion(t)) {
		t.Error(wrong)
	}
	for _, tc := range []struct{ from, to, want string }{
		{`"LIMEGROVE_GOSSIP"`, `"LIMEGROVE_GOSIP"`, "LIMEGROVE_GOSIP is no flag's variable"},
		{`"/edge"`, `"/edg"`, "/edg is no program of the image"},
		{`"target": 8080`, `"target": 8088`, "nothing listens on 8088"},
		{`nats://nats:4222`, `nats://nuts:4222`, "nats://nuts:4222 is no service"},
		{`edge-2:7946`, `edge-3:7946`, "edge-3 is no service"},
		{`"stop_grace_period": "35s"`, `"stop_grace_period": "30s"`, "it may take 35s to end"},
		{`"127.0.0.1"`, `"0.0.0.0"`, "is open to all"},
	} {
		changed := strings.ReplaceAll(string(text), tc.from, tc.to)
		var found []string
		for _, wrong := range parse([]byte(changed)).check(natsVersion(t)) {
			found = append(found, wrong.Error())
		}
		if changed == string(text) || !strings.Contains(strings.Join(found, "\n"), tc.want) {
			t.Errorf("%s for %s was found to be %q, not %q", tc.to, tc.from, found, tc.want)
		}
	}
}

// check tells what is wrong with the services.
func (c composition) check(nats string) (wrong []error) {
	add := func(name, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: %w", name, fmt.Errorf(format, args...)))
	}
	edges, routers := 0, 0
	for name, s := range c.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			add(name, "it may write, or do, more than it needs to")
		}
		if !strings.HasPrefix(s.Image, "limegrove:") {
			if s.HealthCheck == nil {
				add(name, "nobody knows when it is there")
			}
			continue
		}
		set, err := parse(append(slices.Clone(s.Entrypoint), s.Command...), s.Environment)
		if err != nil {
			add(name, "%w", err)
			continue
		}
		if set.edge != nil {
			edges++
		} else {
			routers++
		}
		for _, p := range s.Ports {
			listens := ""
			for what, number := range set.ports {
				if number == p.Target {
					listens = what
				}
			}
			switch {
			case listens == "":
				add(name, "nothing listens on %d", p.Target)
			case listens != "sessions" && p.HostIP != "127.0.0.1":
				add(name, "%s is open to all", listens)
			}
		}
		for _, store := range []string{set.NATS, set.Redis} {
			kind, at, _ := strings.Cut(store, "://")
			host, _, _ := strings.Cut(at, ":")
			if c.Services[host] == nil || s.DependsOn[host].Condition != "service_healthy" {
				add(name, "%s is no service that is waited for: %s", store, kind)
			}
		}
		for _, j := range set.Join {
			if host, _, _ := strings.Cut(j, ":"); c.Services[host] == nil {
				add(name, "%s is no service", host)
			}
		}
		if grace, err := time.ParseDuration(s.StopGrace); err != nil || grace < set.ending {
			add(name, "it may take %s to end, and has %q", set.ending, s.StopGrace)
		}
		if set.ID != name {
			add(name, "its -id is %q", set.ID)
		}
	}
	if edges != 2 || routers != 1 {
		wrong = append(wrong, fmt.Errorf("there are %d edges and %d routers", edges, routers))
	}
	if image := c.Services["nats"].Image; image != "nats:"+nats+"-alpine" {
		add("nats", "%s is not tested", image)
	}
	return wrong
}
