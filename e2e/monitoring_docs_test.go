package e2e

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metricsPage has a row for each metric: its name, its type, its labels with their values, which processes have it, its help, and what
// to do. A label's values are all that there are, unless there is … among them.
const metricsPage = "../docs/metrics.md"

// described is what a row says of a metric, or what processes show.
type described struct {
	kind, help string
	labels     map[string][]string // their values, in order
	where      []string            // edge, router
}

// documented: the page names what edges and routers show, and nothing else.
func (m *monitored) documented(t *testing.T) {
	page, shown := readMetricsPage(t), map[string]described{}
	for _, at := range m.edgePages {
		readMetrics(t, at, "edge", shown)
	}
	for _, at := range m.routerPages {
		readMetrics(t, at, "router", shown)
	}
	for name, is := range shown {
		says, ok := page[name]
		if !ok {
			t.Errorf("%s is not documented: %s", name, is.row(name))
			continue
		}
		if says.kind != is.kind || says.help != is.help || !slices.Equal(says.where, is.where) || !says.covers(is) {
			t.Errorf("%s is documented as\n%s\nand is\n%s", name, says.row(name), is.row(name))
		}
	}
	for name := range page {
		if _, ok := shown[name]; !ok {
			t.Errorf("%s is documented, and nobody has it", name)
		}
	}
}

// covers tells whether the labels are the same, and the values of those that have no others.
func (d described) covers(is described) bool {
	if len(d.labels) != len(is.labels) {
		return false
	}
	for l, values := range is.labels {
		documented, ok := d.labels[l]
		if !ok || !slices.Contains(documented, "…") && !slices.Equal(documented, values) {
			return false
		}
	}
	return true
}

// row is a metric's row without what to do.
func (d described) row(name string) string {
	var labels []string
	for l, values := range d.labels {
		labels = append(labels, fmt.Sprintf("`%s`: %s", l, strings.Join(values, ", ")))
	}
	slices.Sort(labels)
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |", name, d.kind, strings.Join(labels, "; "), strings.Join(d.where, ", "), d.help)
}

// readMetrics adds what a process shows of its own; what Go and the system tell of every process is not documented.
func readMetrics(t *testing.T, at, role string, into map[string]described) {
	t.Helper()
	text, err := page(t.Context(), at, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		d, known := into[name]
		if !known {
			d = described{kind: strings.ToLower(f.GetType().String()), help: f.GetHelp(), labels: map[string][]string{}}
		}
		if d.help != f.GetHelp() {
			t.Errorf("%s is %q and %q", name, d.help, f.GetHelp())
		}
		if !slices.Contains(d.where, role) {
			d.where = append(d.where, role)
		}
		for _, one := range f.GetMetric() {
			d.add(one.GetLabel())
		}
		into[name] = d
	}
}

// add adds the values of labels.
func (d described) add(labels []*dto.LabelPair) {
	for _, l := range labels {
		values := d.labels[l.GetName()]
		value := l.GetValue()
		if value == "" {
			value = "none"
		}
		if i, has := slices.BinarySearch(values, value); !has {
			d.labels[l.GetName()] = slices.Insert(values, i, value)
		}
	}
}

// readMetricsPage reads the rows.
func readMetricsPage(t *testing.T) map[string]described {
	t.Helper()
	text, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]described{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		name, is := strings.CutPrefix(strings.TrimSpace(cells[0]), "`limegrove_")
		if !is {
			continue
		}
		name = "limegrove_" + strings.Trim(name, "`")
		if _, twice := all[name]; twice || len(cells) != 6 || strings.TrimSpace(cells[5]) == "" {
			t.Fatalf("%s has two rows, or one of %d cells", name, len(cells))
		}
		d := described{kind: strings.TrimSpace(cells[1]), help: strings.TrimSpace(cells[4]), labels: map[string][]string{}}
		d.where = strings.Split(strings.TrimSpace(cells[3]), ", ")
		for l := range strings.SplitSeq(strings.TrimSpace(cells[2]), "; ") {
			if label, values, ok := strings.Cut(l, ": "); ok {
				all := strings.Split(values, ", ")
				slices.Sort(all)
				d.labels[strings.Trim(label, "`")] = all
			}
		}
		all[name] = d
	}
	return all
}
