package scale

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// autoscaler is the spec of a HorizontalPodAutoscaler, and what it decides: the algorithm of
// https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/, for pods that are all ready and
// have been for long.
type autoscaler struct {
	MinReplicas, MaxReplicas int
	Metrics                  []struct {
		Type string
		Pods struct {
			Metric struct{ Name string }
			Target struct{ AverageValue string }
		}
	}
	Behavior struct{ ScaleUp, ScaleDown scaling }
}

type scaling struct {
	StabilizationWindowSeconds int
	Policies                   []struct {
		Type                 string
		Value, PeriodSeconds int
	}
}

// tolerance is kube-controller-manager's --horizontal-pod-autoscaler-tolerance by default.
const tolerance = 0.1

// target is what a pod is to have on average.
func (a autoscaler) target(t *testing.T) float64 {
	t.Helper()
	for _, m := range a.Metrics {
		if m.Type == "Pods" && m.Pods.Metric.Name == metric {
			value, thousands := strings.CutSuffix(m.Pods.Target.AverageValue, "k")
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			if thousands {
				n *= 1000
			}
			return n
		}
	}
	t.Fatal("the autoscaler has no target for " + metric)
	return 0
}

// wants is how many replicas the metric wants.
func wants(current int, average, target float64) int {
	ratio := average / target
	if math.Abs(ratio-1) <= tolerance {
		return current
	}
	return int(math.Ceil(float64(current) * ratio))
}

// bounded is a number within the bounds.
func (a autoscaler) bounded(wanted int) int { return max(a.MinReplicas, min(a.MaxReplicas, wanted)) }

// step is how far the behaviour lets it go at once, when nothing has been scaled lately.
func (a autoscaler) step(current, wanted int) int {
	up, down := current, current
	for _, p := range a.Behavior.ScaleUp.Policies {
		most := current + p.Value
		if p.Type == "Percent" {
			most = int(math.Ceil(float64(current) * (1 + float64(p.Value)/100)))
		}
		up = max(up, most)
	}
	for _, p := range a.Behavior.ScaleDown.Policies {
		least := current - p.Value
		if p.Type == "Percent" {
			least = int(float64(current) * (1 - float64(p.Value)/100))
		}
		down = min(down, least)
	}
	return max(down, min(up, wanted))
}

// TestAutoscalerDecides: what is expected of the manifest's own numbers.
func TestAutoscalerDecides(t *testing.T) {
	m := readManifests(t)
	a, target := m.autoscaler, m.autoscaler.target(t)
	if 2*target != float64(m.capacity) {
		t.Errorf("the target of %g is not half of what an edge takes, %d", target, m.capacity)
	}
	for _, tc := range []struct {
		sentence               string
		current                int
		average                float64
		wanted, bounded, steps int
	}{
		{"at capacity", 3, 2 * target, 6, 6, 6},
		{"at the target", 6, target, 6, 6, 6},
		{"within the tolerance", 6, 1.09 * target, 6, 6, 6},
		{"a little above it", 10, 1.11 * target, 12, 12, 12},
		{"at capacity: 4 pods at once, or half", 6, 2 * target, 12, 12, 10},
		{"at capacity, many", 40, 2 * target, 80, 60, 60},
		{"half are gone: the least there may be", 6, target / 2, 3, 6, 6},
		{"half of many are gone: a tenth at once", 20, target / 2, 10, 10, 18},
		{"half are gone: one at once", 7, target / 2, 4, 6, 6},
	} {
		wanted := wants(tc.current, tc.average, target)
		bounded := a.bounded(wanted)
		if step := a.step(tc.current, bounded); wanted != tc.wanted || bounded != tc.bounded || step != tc.steps {
			t.Errorf("%s: %d are wanted, %d within the bounds, %d at first, not %d, %d, %d",
				tc.sentence, wanted, bounded, step, tc.wanted, tc.bounded, tc.steps)
		}
	}
}
