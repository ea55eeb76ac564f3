package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"limegrove/loadtest/usage"
)

// Fetch reads a page.
func Fetch(ctx context.Context, url string) ([]byte, error) {
	return request(ctx, http.MethodGet, url, http.StatusOK)
}

func request(ctx context.Context, method, url string, want int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != want {
		err = fmt.Errorf("%s: %s: %.200s", url, response.Status, text)
	}
	return text, err
}

// Metric adds up a metric of ours over processes, and over its labels.
func Metric(ctx context.Context, all []*Process, name string) (sum float64, err error) {
	for _, p := range all {
		page, err := Fetch(ctx, "http://"+p.At(PortAdmin)+"/metrics")
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(page)) {
			rest, ok := strings.CutPrefix(line, name)
			if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
				continue
			}
			value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
			if err != nil {
				return 0, errors.Join(fmt.Errorf("metric %s of %s", name, p.Name), err)
			}
			sum += value
		}
	}
	return sum, nil
}

// pauses is the runtime's metric of how long it has stopped all for the garbage collector.
const pauses = "go_sched_pauses_total_gc_seconds_bucket{le=\""

// Pauses is how long the edges have stopped for the garbage collector since they were started.
func (c *Cluster) Pauses(ctx context.Context) (all usage.Histogram, err error) {
	for _, p := range c.Edges {
		page, err := Fetch(ctx, "http://"+p.At(PortAdmin)+"/metrics")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		var one usage.Histogram
		for line := range strings.Lines(string(page)) {
			bucket, ok := strings.CutPrefix(strings.TrimSpace(line), pauses)
			if !ok {
				continue
			}
			most, count, _ := strings.Cut(bucket, "\"} ")
			var b usage.Bucket
			if b.Most, err = strconv.ParseFloat(most, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			if b.Count, err = strconv.ParseFloat(count, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			one = append(one, b)
		}
		all.Add(one)
	}
	return all, nil
}

// Collect has each edge collect its garbage, and give back what is free.
func (c *Cluster) Collect(ctx context.Context) error {
	for _, e := range c.Edges {
		if err := Collect(ctx, e.At(PortAdmin)); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// Collect has a process with such pages collect its garbage, and give back what is free.
func Collect(ctx context.Context, admin string) error {
	_, err := request(ctx, http.MethodPost, "http://"+admin+"/debug/freeosmemory", http.StatusNoContent)
	return err
}

// droppings are how metrics end that count what was dropped, refused or cut.
var droppings = []string{"_dropped_total", "_refused_total", "_rejections_total", "_evicted_total", "_stalls_total", "_closes_total"}

// Dropped is what edges and routers have counted as dropped, refused or cut, by metric and labels, added up.
func (c *Cluster) Dropped(ctx context.Context) (map[string]float64, error) {
	all := map[string]float64{}
	for _, p := range slices.Concat(c.Edges, c.Routers) {
		page, err := Fetch(ctx, "http://"+p.At(PortAdmin)+"/metrics")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		for line := range strings.Lines(string(page)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			metric, _, _ := strings.Cut(name, "{")
			if n, err := strconv.ParseFloat(value, 64); err == nil && n > 0 && ends(metric) {
				all[name] += n
			}
		}
	}
	return all, nil
}

func ends(metric string) bool {
	return slices.ContainsFunc(droppings, func(end string) bool { return strings.HasSuffix(metric, end) })
}
