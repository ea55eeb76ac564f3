package dashboards

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const folder = "../../k8s/monitoring/dashboards"

// What is in k8s/monitoring is what this package says: go generate ./internal/dashboards.
func TestDashboardsAreWhatIsWritten(t *testing.T) {
	all := All()
	for name, b := range all {
		want, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what go generate ./internal/dashboards writes (%v)", name, err)
		}
	}
	files, err := filepath.Glob(folder + "/*")
	if err != nil || len(files) != len(all) {
		t.Errorf("there is %q, %v", files, err)
	}
}

// Grafana takes them: what it needs to load one is there, and nothing lies upon another.
func TestGrafanaCanLoadThem(t *testing.T) {
	uids := map[string]bool{}
	for name, b := range All() {
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			UID, Title    string
			SchemaVersion int
			Templating    struct{ List []struct{ Name, Type string } }
			Panels        []struct {
				ID          int
				Type, Title string
				GridPos     struct{ H, W, X, Y int }
				Datasource  struct{ Type, UID string }
				FieldConfig struct {
					Defaults struct {
						Unit       string
						Thresholds struct{ Steps []struct{ Color string } }
					}
				}
				Targets []struct {
					Expr, LegendFormat, RefID string
					Datasource                struct{ UID string }
				}
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if d.UID == "" || len(d.UID) > 40 || uids[d.UID] || d.Title == "" || d.SchemaVersion < 36 || d.Templating.List[0].Type != "datasource" {
			t.Errorf("%s: %s, %q, schema %d, variables %v", name, d.UID, d.Title, d.SchemaVersion, d.Templating.List)
		}
		uids[d.UID] = true
		ids, taken := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, is := taken[[2]int{x, y}]; is || x >= gridWidth {
						t.Errorf("%s: %q is outside, or upon %q", name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			if ids[p.ID] || p.Title == "" {
				t.Errorf("%s: the id %d of %q", name, p.ID, p.Title)
			}
			ids[p.ID] = true
			if p.Type == "row" {
				continue
			}
			if p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "" || len(p.FieldConfig.Defaults.Thresholds.Steps) == 0 || len(p.Targets) == 0 {
				t.Errorf("%s: %q has no data source, unit, thresholds or queries", name, p.Title)
			}
			for _, q := range p.Targets {
				if q.Expr == "" || q.RefID == "" || q.Datasource.UID != "${datasource}" || p.Type == "timeseries" && q.LegendFormat == "" {
					t.Errorf("%s: %q has the query %+v", name, p.Title, q)
				}
			}
		}
	}
}
