package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxBatch bounds the operations of one request.
	maxBatch = 100

	// maxBatchAnswer is how long the results of a batch are together, in bytes, when no more is done:
	// a page of an inbox has a MiB.
	maxBatchAnswer = 8 << 20
)

type givenBatch struct {
	Operations    []json.RawMessage `json:"operations"`
	StopAtFailure bool              `json:"stopAtFailure"`
}

type batched struct {
	Method string          `json:"method"`
	Path   string          `json:"path"` // with the query
	Body   json.RawMessage `json:"body"`
}

type batchedResult struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// batch does operations in their order, one after the other, each with a result of its own. One that fails
// does not keep the next from being done, unless the request says so.
func (s *Server) batch(ctx context.Context, c *call) (reply, error) {
	var given givenBatch
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	n := len(given.Operations)
	if n == 0 || n > maxBatch {
		return reply{}, invalid("operations", "They are not 1 to %d", maxBatch)
	}
	limits := http.Header{}
	if p := s.rates.take(c.key.ID, n-1, limits); p != nil { // one was counted already
		return reply{}, p
	}
	results, kept := make([]batchedResult, 0, n), make([]batchedResult, 0, n)
	failed, size := false, 0
	for i, text := range given.Operations {
		var r reply
		switch {
		case ctx.Err() != nil || s.waits.Err() != nil:
			r = unavailable("There was no time left for it").reply()
		case size >= maxBatchAnswer:
			r = unavailable("The answers to those before it are too long together").reply()
		case failed && given.StopAtFailure:
			r = (&problem{kind: kindConflict, status: http.StatusFailedDependency, detail: "One before it has failed"}).reply()
		default:
			r = s.batched(ctx, c, i, text)
		}
		failed = failed || r.status >= http.StatusBadRequest
		k := r.kept()
		if err := errors.Join(r.encode(), k.encode()); err != nil {
			return reply{}, err
		}
		size += len(r.text)
		results, kept = append(results, batchedResult{r.status, r.text}), append(kept, batchedResult{k.status, k.text})
	}
	return reply{
		status: http.StatusOK, header: limits, body: batchedResults{results},
		keep: &reply{status: http.StatusOK, body: batchedResults{kept}},
	}, nil
}

type batchedResults struct {
	Results []batchedResult `json:"results"`
}

// batched does one of them.
func (s *Server) batched(ctx context.Context, c *call, i int, text json.RawMessage) reply {
	began, name := time.Now(), noOperation
	r := func() reply {
		var b batched
		if err := decode(text, &b); err != nil {
			return s.failed(c, err)
		}
		target, err := url.ParseRequestURI(b.Path)
		if err != nil || !strings.HasPrefix(b.Path, "/v1/") {
			return invalid("path", "It is no path of an operation").reply()
		}
		request := (&http.Request{Method: b.Method, URL: target, Header: http.Header{}, Host: c.request.Host}).WithContext(ctx)
		found, p := s.route(request)
		if p != nil {
			return p.reply()
		}
		name = found
		for _, o := range s.operations() {
			if o.id != name {
				continue
			}
			if o.scope == "" {
				return invalid("path", "A batch cannot be in a batch").reply()
			}
			if !c.key.May(o.scope) {
				return forbidden("The key has not the scope %s", o.scope).reply()
			}
			one := &call{request: request, key: c.key, body: b.Body}
			if c.seed != "" {
				one.seed = c.seed + "-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			}
			setPathValues(request, o.path)
			return s.perform(ctx, o, one)
		}
		return notFound().reply()
	}()
	s.metrics.answered(name, r.status, time.Since(began))
	return r
}

// setPathValues does what http.ServeMux does for a request that it serves. The path is one that it has
// found to match.
func setPathValues(r *http.Request, pattern string) {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i, part := range strings.Split(pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && i < len(segments) {
			value, err := url.PathUnescape(segments[i])
			if err != nil {
				value = segments[i]
			}
			r.SetPathValue(strings.TrimSuffix(name, "}"), value)
		}
	}
}
