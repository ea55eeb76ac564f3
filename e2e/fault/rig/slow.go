package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// setting is what setting a delay may take. The proxy waits while a server that it has
// something for does not read, for as long as that server's fault lasts.
const setting = 25 * time.Second

// Delay is what everything takes longer, each way.
type Delay struct {
	Latency time.Duration
	Jitter  time.Duration // so much more or less, at most
}

// String is the delay as histories and logs have it.
func (d Delay) String() string {
	return fmt.Sprintf("%s ± %s", d.Latency.Round(time.Millisecond), d.Jitter.Round(time.Millisecond))
}

// Slow delays what SlowEdge exchanges with the brokers and with Redis from now on. The
// zero Delay heals it.
//
// The toxics are there always and only change: toxiproxy may drop what a connection has
// under way when it takes one from it, which no network does.
func (r *Rig) Slow(d Delay) error {
	ctx, cancel := context.WithTimeout(context.Background(), setting)
	defer cancel()
	r.detour.process.note("slow by " + d.String())
	err := r.detour.each(func(h hop, direction string) error {
		var t toxic
		t.Attributes.Latency, t.Attributes.Jitter = d.Latency.Milliseconds(), d.Jitter.Milliseconds()
		return r.detour.post(ctx, "proxies/"+h.Name+"/toxics/"+direction, t)
	})
	if err != nil {
		return fmt.Errorf("slow %s down by %s: %w", SlowEdge, d, err)
	}
	return nil
}

// toxic is a delay in one direction, in the words of toxiproxy's API.
type toxic struct {
	Name       string `json:"name,omitempty"`
	Type       string `json:"type,omitempty"`
	Stream     string `json:"stream,omitempty"`
	Attributes struct {
		Latency int64 `json:"latency"` // ms
		Jitter  int64 `json:"jitter"`  // ms
	} `json:"attributes"`
}

// newToxic has the direction's name.
func newToxic(direction string) toxic {
	return toxic{Name: direction, Type: "latency", Stream: direction}
}

func (d *detour) url(path string) string { return "http://" + at(d.process, portProxy) + "/" + path }

// post asks the proxy for something.
func (d *detour) post(ctx context.Context, path string, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url(path), bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, text)
	}
	return err
}
