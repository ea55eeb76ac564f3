package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// All are the dashboards, by the names of their files.
func All() map[string]Board {
	return map[string]Board{
		"cluster.json": cluster(), "edge.json": edge(), "delivery.json": delivery(), "brokers.json": brokers(),
	}
}

// Write writes them into a folder.
func Write(dir string) error {
	for name, b := range All() {
		text, err := b.JSON()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}

// Board is one dashboard.
type Board struct {
	UID, Title, Text string
	Instance         string // the metric whose instances may be chosen among; "" for none
	Rows             []Row
}

// Row is a headed group of panels, from left to right and then below.
type Row struct {
	Title  string
	Panels []Panel
}

// kind is how a panel shows its values.
type kind string

const (
	stat  kind = "stat"       // one number, coloured by its thresholds
	chart kind = "timeseries" // over time
	bars  kind = "bargauge"   // one bar for each
)

// Panel is one picture. Width is of 24; a height is the same for a kind.
type Panel struct {
	Title, Text string
	Kind        kind
	Width       int
	Unit        string // Grafana's: short, s, percentunit, bytes, Bps, ops, reqps
	Stack       bool
	Warn, Bad   float64 // thresholds, from which on it is orange and red; 0 for none
	Below       bool    // they are for what is below them
	Queries     []Query
}

// Query is an expression of Prometheus, and how its series are called.
type Query struct{ Expr, Legend string }

// JSON is what Grafana loads.
func (b Board) JSON() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(b.model())
	return out.Bytes(), err
}

// schemaVersion is that of the model; Grafana takes older ones, and brings them up to its own.
const schemaVersion = 39

type object = map[string]any

// source is the data source that the dashboard asks for.
var source = object{"type": "prometheus", "uid": "${datasource}"}

func (b Board) model() object {
	variables := []object{{
		"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "hide": 0,
		"current": object{}, "options": []any{}, "regex": "", "multi": false, "includeAll": false,
	}}
	if b.Instance != "" {
		variables = append(variables, object{
			"name": "instance", "label": "Instance", "type": "query", "datasource": source, "refresh": 2, "hide": 0, "sort": 1,
			"query":      object{"query": "label_values(" + b.Instance + ", instance)", "refId": "instance"},
			"definition": "label_values(" + b.Instance + ", instance)",
			"current":    object{}, "options": []any{}, "regex": "", "multi": false, "includeAll": false,
		})
	}
	var panels []object
	y := 0
	for _, r := range b.Rows {
		panels = append(panels, object{
			"id": len(panels) + 1, "type": "row", "title": r.Title, "collapsed": false, "panels": []any{},
			"gridPos": object{"h": 1, "w": gridWidth, "x": 0, "y": y},
		})
		y++
		x, height := 0, 0
		for _, p := range r.Panels {
			if x+p.Width > gridWidth {
				x, y, height = 0, y+height, 0
			}
			panels = append(panels, p.model(len(panels)+1, x, y))
			x, height = x+p.Width, max(height, p.height())
		}
		y += height
	}
	return object{
		"uid": b.UID, "title": b.Title, "description": b.Text, "tags": []string{"limegrove"}, "schemaVersion": schemaVersion, "version": 1,
		"editable": true, "graphTooltip": 1, "timezone": "browser", "refresh": "30s", "time": object{"from": "now-1h", "to": "now"},
		"annotations": object{"list": []any{}}, "templating": object{"list": variables}, "panels": panels,
		"links": []object{{"title": "Limegrove", "type": "dashboards", "tags": []string{"limegrove"}, "asDropdown": false, "includeVars": false, "keepTime": true}},
	}
}

// gridWidth is how many columns Grafana has.
const gridWidth = 24

func (p Panel) height() int {
	if p.Kind == stat {
		return 4
	}
	return 8
}

func (p Panel) model(id, x, y int) object {
	var targets []object
	for i, q := range p.Queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "datasource": source, "editorMode": "code", "expr": q.Expr, "legendFormat": q.Legend,
			"range": p.Kind == chart, "instant": p.Kind != chart,
		})
	}
	defaults := object{"unit": p.Unit, "min": 0, "thresholds": p.thresholds(), "color": object{"mode": "thresholds"}}
	if p.Kind == chart {
		defaults["color"] = object{"mode": "palette-classic"}
		defaults["custom"] = p.lines()
	}
	return object{
		"id": id, "type": string(p.Kind), "title": p.Title, "description": p.Text, "datasource": source, "targets": targets,
		"gridPos":     object{"h": p.height(), "w": p.Width, "x": x, "y": y},
		"fieldConfig": object{"defaults": defaults, "overrides": []any{}}, "options": p.options(),
	}
}

// thresholds are the steps of its colours.
func (p Panel) thresholds() object {
	step := func(colour string, from any) object { return object{"color": colour, "value": from} }
	steps := []object{step("green", nil)}
	switch {
	case p.Below:
		steps = []object{step("red", nil)}
		if p.Bad != 0 {
			steps = append(steps, step("orange", p.Bad))
		}
		steps = append(steps, step("green", p.Warn))
	default:
		if p.Warn != 0 {
			steps = append(steps, step("orange", p.Warn))
		}
		if p.Bad != 0 {
			steps = append(steps, step("red", p.Bad))
		}
	}
	return object{"mode": "absolute", "steps": steps}
}

// lines is how a chart draws.
func (p Panel) lines() object {
	c := object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false, "stacking": object{"mode": "none", "group": "A"}}
	if p.Stack {
		c["stacking"], c["fillOpacity"] = object{"mode": "normal", "group": "A"}, 40
	}
	if p.Warn != 0 || p.Bad != 0 {
		c["thresholdsStyle"] = object{"mode": "dashed"}
	}
	return c
}

func (p Panel) options() object {
	last := object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
	switch p.Kind {
	case stat:
		return object{"colorMode": "background", "graphMode": "area", "justifyMode": "auto", "textMode": "auto", "reduceOptions": last}
	case bars:
		return object{"displayMode": "basic", "orientation": "horizontal", "reduceOptions": last}
	default:
		return object{
			"legend":  object{"displayMode": "table", "placement": "bottom", "calcs": []string{"lastNotNull", "max"}},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		}
	}
}
