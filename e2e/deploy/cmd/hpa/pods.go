package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"limegrove/e2e/deploy/apiserver"
)

// pods are the edges' pods. It does what nodes would do for them: they run and are ready as soon as they are there, and
// are gone when they are deleted. What they have is shown to Prometheus, as if each had been scraped.
type pods struct {
	cluster *apiserver.Cluster

	mu       sync.Mutex
	names    []string
	sessions int // of all together, each having as many as the others
}

func newPods(c *apiserver.Cluster) *pods { return &pods{cluster: c} }

const (
	allPods = "/api/v1/namespaces/" + apiserver.Namespace + "/pods"
	ofEdges = "?labelSelector=app.kubernetes.io/component=edge"
	lookAt  = 300 * time.Millisecond
)

// run does so until ctx is done.
func (p *pods) run(ctx context.Context) error {
	tick := time.NewTicker(lookAt)
	defer tick.Stop()
	const most = 20
	failed := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := p.look(ctx)
		if failed++; err == nil {
			failed = 0
		}
		if failed == most { // of those that have just gone one is told once
			return err
		}
	}
}

func (p *pods) look(ctx context.Context) error {
	var list struct {
		Items []struct {
			Metadata struct{ Name, DeletionTimestamp string }
			Status   struct{ Phase string }
		}
	}
	if err := p.cluster.Get(ctx, allPods+ofEdges, &list); err != nil {
		return err
	}
	var names []string
	for _, one := range list.Items {
		where := allPods + "/" + one.Metadata.Name
		switch {
		case one.Metadata.DeletionTimestamp != "":
			const atOnce = `{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}`
			if err := p.cluster.Do(ctx, http.MethodDelete, where, "application/json", []byte(atOnce)); err != nil {
				return err
			}
			continue
		case one.Status.Phase != "Running":
			now := time.Now().UTC().Format(time.RFC3339)
			ready := fmt.Sprintf(`{"status":{"phase":"Running","startTime":%q,"conditions":[{"type":"Ready","status":"True","lastTransitionTime":%q}]}}`, now, now)
			if err := p.cluster.Patch(ctx, where+"/status", ready); err != nil {
				return err
			}
		}
		names = append(names, one.Metadata.Name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names = names
	return nil
}

// have has all of them have so many sessions from now on.
func (p *pods) have(sessions int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions = sessions
}

// are tells how many there are unless there are as many.
func (p *pods) are(want int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.names) != want {
		return fmt.Errorf("there are %d pods, not %d", len(p.names), want)
	}
	return nil
}

// each is what one of them has.
func (p *pods) each() int { return p.sessions / max(1, len(p.names)) }

// seen tells whether a quantity is what each of them has.
func (p *pods) seen(quantity string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.each()
	return quantity == strconv.Itoa(n) || n%1000 == 0 && quantity == strconv.Itoa(n/1000)+"k"
}

// ServeHTTP is what Prometheus scrapes. Each uses a tenth of a processor, of which it has requested one.
func (p *pods) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range p.names {
		labels := fmt.Sprintf(`namespace=%q,pod=%q`, apiserver.Namespace, name)
		// To a Prometheus that has gone nothing is to be said.
		_, _ = fmt.Fprintf(w, "limegrove_edge_sessions{%s} %d\n", labels, p.each())
		_, _ = fmt.Fprintf(w, "pod_processors{%s,container=\"edge\"} 0.1\npod_memory_bytes{%s,container=\"edge\"} 1e8\n", labels, labels)
	}
}
