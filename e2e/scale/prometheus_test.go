package scale

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"limegrove/e2e/programs"
	"limegrove/internal/childtest"
	"limegrove/loadtest/cluster"
)

// prometheus scrapes edges, whose pods it knows by their names.
type prometheus struct {
	dir string
	at  string // host:port
}

func startPrometheus(t *testing.T) *prometheus {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatalf("prometheus is not installed, which `make deps` does: %v", err)
	}
	p := &prometheus{dir: t.TempDir()}
	p.at = childtest.Host + ":" + strconv.Itoa(childtest.FreePort(t))
	const config = `
global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: limegrove, file_sd_configs: [{files: [edges.json], refresh_interval: 1s}]}
`
	if err := os.WriteFile(filepath.Join(p.dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p.scrape(t, nil)
	cmd := exec.Command(path, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address="+p.at, "--log.level=warn")
	cmd.Dir, cmd.SysProcAttr = p.dir, programs.Attributes()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // nothing of it is kept
		_ = cmd.Wait()
	})
	eventually(t, "Prometheus is ready", time.Minute, func() error {
		return programs.Answers("http://" + p.at + "/-/ready")(t.Context())
	})
	return p
}

// scrape has it scrape these edges and no others.
func (p *prometheus) scrape(t *testing.T, edges []*cluster.Process) {
	t.Helper()
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for _, e := range edges {
		groups = append(groups, group{[]string{e.At(cluster.PortAdmin)}, map[string]string{"namespace": namespace, "pod": e.Name}})
	}
	text, err := json.Marshal(groups)
	if err == nil {
		if err = os.WriteFile(filepath.Join(p.dir, "new"), text, 0o600); err == nil {
			err = os.Rename(filepath.Join(p.dir, "new"), filepath.Join(p.dir, "edges.json"))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// average is what the query says of each pod, on average, once it knows of so many.
func (p *prometheus) average(ctx context.Context, query string, pods int) (float64, error) {
	text, err := cluster.Fetch(ctx, "http://"+p.at+"/api/v1/query?query="+url.QueryEscape(query))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric struct{ Pod string }
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, err
	}
	if n := len(answer.Data.Result); n != pods {
		return 0, fmt.Errorf("%d pods are known, not %d", n, pods)
	}
	sum := 0.0
	for _, r := range answer.Data.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			return 0, err
		}
		sum += value
	}
	return sum / float64(pods), nil
}
