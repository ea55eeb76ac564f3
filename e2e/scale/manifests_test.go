package scale

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"limegrove/e2e/programs"
)

// manifests is what Kubernetes is told.
type manifests struct {
	autoscaler autoscaler
	capacity   int    // LIMEGROVE_MAX_SESSIONS of an edge where it counts sessions
	query      string // of prometheus-adapter

	preStop, drain, grace time.Duration // of a pod that ends, where clusters are small
}

// object is of a Kubernetes object what is looked at here.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		autoscaler
		Template struct {
			Spec struct {
				TerminationGracePeriodSeconds int
				Containers                    []struct {
					Env       []struct{ Name, Value string }
					Lifecycle struct {
						PreStop struct {
							Sleep struct{ Seconds int }
						}
					}
				}
			}
		}
	}
}

const (
	small      = "k8s/overlays/small"
	production = "k8s/overlays/production"
)

// readManifests builds the overlays as kubectl does, and reads them.
func readManifests(t *testing.T) (m manifests) {
	t.Helper()
	tool, err := programs.Tool(t.Context(), "manifests")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), tool, small, production)
	cmd.Dir, cmd.Stderr = "../..", os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var made map[string][]object
	if err := json.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	m.autoscaler = one(t, made[production], "HorizontalPodAutoscaler").Spec.autoscaler
	if m.capacity, err = strconv.Atoi(one(t, made[production], "Deployment").env("LIMEGROVE_MAX_SESSIONS")); err != nil {
		t.Fatal(err)
	}
	pod := one(t, made[small], "Deployment")
	if m.drain, err = time.ParseDuration(pod.env("LIMEGROVE_DRAIN_TIMEOUT")); err != nil {
		t.Fatal(err)
	}
	m.preStop = time.Duration(pod.Spec.Template.Spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds) * time.Second
	m.grace = time.Duration(pod.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
	m.query = adapterQuery(t)
	return m
}

// one is the edge's object of a kind.
func one(t *testing.T, all []object, kind string) object {
	t.Helper()
	for _, o := range all {
		if o.Kind == kind && o.Metadata.Name == "edge" {
			return o
		}
	}
	t.Fatalf("there is no %s of edges", kind)
	return object{}
}

func (o object) env(name string) string {
	for _, v := range o.Spec.Template.Spec.Containers[0].Env {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

var ruleOfSessions = regexp.MustCompile(`(?s)as: ` + metric + `\n  metricsQuery: '([^']*)'`)

const (
	metric    = "limegrove_edge_sessions"
	namespace = "limegrove"
)

// adapterQuery is what prometheus-adapter asks Prometheus, for all pods of the namespace.
func adapterQuery(t *testing.T) string {
	t.Helper()
	rules, err := os.ReadFile("../../k8s/prometheus-adapter/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := ruleOfSessions.FindSubmatch(rules)
	if found == nil {
		t.Fatal("there is no rule for " + metric)
	}
	return strings.NewReplacer(
		"<<.Series>>", metric, "<<.LabelMatchers>>", `namespace="`+namespace+`",pod=~"edge-.*"`, "<<.GroupBy>>", "pod",
	).Replace(string(found[1]))
}
