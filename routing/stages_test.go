package routing

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// stageCount is how many messages of a stage an edge has timed, and how many seconds they have taken together.
func stageCount(t testing.TB, m *metrics, s stage) (n uint64, sum float64) {
	t.Helper()
	var d dto.Metric
	if err := m.stages[s].(prometheus.Metric).Write(&d); err != nil {
		t.Fatal(err)
	}
	return d.GetHistogram().GetSampleCount(), d.GetHistogram().GetSampleSum()
}

// timed is how many messages the edge has timed of a stage.
func (e *testEdge) timed(s stage) uint64 {
	e.w.Helper()
	n, _ := stageCount(e.w, e.metrics, s)
	return n
}

// wantTimed waits until the edge has timed so many messages of a stage.
func (e *testEdge) wantTimed(s stage, want uint64) {
	e.w.Helper()
	for deadline := time.Now().Add(patience); e.timed(s) < want && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := e.timed(s); got != want {
		e.w.Errorf("%s is timed of %d messages by %s, want %d", stageNames[s], got, e.name, want)
	}
}

func TestOneMessageInEightIsTimedInAllStages(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	ana.SayID("first", "rui@t.org", "x") // rui follows what is stored from then on
	eventually(t, "it is acknowledged", func() bool { return b.count("limegrove_routing_acknowledged_total") == 1 })
	ana.wantLive()
	rui.wantLive() // nothing is read any more, and both logs have their marks
	eventually(t, "it is timed where its number is 0", func() bool { return a.timed(stageAccept) == 1 })
	stages := map[stage]*testEdge{stageAccept: a, stageStore: a, stageDeliver: b, stageAcknowledge: b}
	var before [len(stageNames)]uint64 // a log may begin anywhere
	for s, on := range stages {
		before[s] = on.timed(s)
	}
	const n = 4 * timedPart
	began := time.Now()
	for i := range n {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", fmt.Sprint("x", i))
	}
	eventually(t, "all are delivered", func() bool { return len(rui.Got()) == n+1 })
	eventually(t, "all are acknowledged", func() bool { return b.count("limegrove_routing_acknowledged_total") == n+1 })
	eventually(t, "all are accepted", func() bool { return a.count("limegrove_routing_stored_total") == n+1 })
	for s, on := range stages {
		name := stageNames[s]
		on.wantTimed(s, before[s]+n/timedPart)
		if _, sum := stageCount(t, on.metrics, s); sum > 2*n*time.Since(began).Seconds() {
			t.Errorf("%s took %v s", name, sum)
		}
	}
	if got := b.count("limegrove_routing_unacknowledged"); got != 0 {
		t.Errorf("%v are unacknowledged", got)
	}
}

func TestWindowsThatAreFullAreCounted(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.Silent(true)
	for i := range maxWindow + 10 {
		ana.SayID(fmt.Sprint("m", i), "rui@t.org", "x")
	}
	eventually(t, "a window is full", func() bool { return b.count("limegrove_routing_windows_full_total") == 1 })
	eventually(t, "that many are unacknowledged", func() bool { return b.count("limegrove_routing_unacknowledged") == maxWindow })
	rui.Leave()
	eventually(t, "and none when the session has ended", func() bool { return b.count("limegrove_routing_unacknowledged") == 0 })
}

func TestTicksGoOnWhenTheyWrapAround(t *testing.T) {
	if took := tick(5).since(^tick(0) - 4); took != 10*tickUnit {
		t.Errorf("it took %v", took)
	}
}

// BenchmarkTimed is what timing costs of one message in all its stages, of which most are not timed.
func BenchmarkTimed(b *testing.B) {
	m, h := newMetrics(prometheus.NewRegistry()), &Hubs{made: time.Now()}
	stored := time.Now().UTC().Format(time.RFC3339Nano)
	t := turn{hubs: &Hubs{metrics: m}}
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if !timed(i) {
			continue
		}
		published := h.tick()
		m.took(stageStore, h.tick().since(published))
		m.took(stageAccept, time.Since(h.made))
		t.delivered(stored)
		handed := h.tick()
		m.took(stageAcknowledge, h.tick().since(handed))
	}
}
