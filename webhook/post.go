package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"limegrove/internal/signature"
	"limegrove/routing/events"
)

// verdict is what an endpoint has said of a batch.
type verdict int

const (
	taken     verdict = iota
	refused           // it finds fault with it
	failed            // it says nothing of it
	undecided         // the request was given up
)

// answer is what became of a request.
type answer struct {
	verdict verdict
	why     string        // where it was not taken
	after   time.Duration // that it wants to be left alone for
}

// maxAnswer is how much of an answer is read, in bytes: so much, that a connection can be used
// again after a short one.
const maxAnswer = 64 << 10

// maxAfter bounds for how long an endpoint may want to be left alone.
const maxAfter = time.Hour

// post posts a batch.
func (e *endpoint) post(ctx context.Context, all []events.Stored) (a answer) {
	body := bodyOf(all)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return answer{verdict: failed, why: "the url is none"} // it was checked
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "limegrove")
	signature.Set(request.Header, e.Secret, body, time.Now())
	began := time.Now()
	response, err := e.client.Do(request)
	if err != nil {
		return e.count(answer{verdict: failed, why: plainly(err)}, began)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // the status counts
	_ = response.Body.Close()
	return e.count(judge(response, time.Now()), began)
}

// judge is what a status means.
func judge(r *http.Response, now time.Time) answer {
	a := answer{verdict: failed, why: fmt.Sprintf("the endpoint answers %d", r.StatusCode), after: retryAfter(r.Header, now)}
	switch status := r.StatusCode; {
	case status >= 200 && status < 300:
		return answer{verdict: taken}
	case findsFault(status):
		a.verdict, a.after = refused, 0
	}
	return a
}

// findsFault tells whether a status is about what was posted. Others between 400 and 499 are
// about who posts it and where: an endpoint that is being deployed says 404, and one with
// another secret 401 or 403, and neither is a reason to bury what it would take an hour later.
func findsFault(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusGone, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// retryAfter reads the header of that name, in seconds or as a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(time.Duration(max(0, min(seconds, int(maxAfter/time.Second))))*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxAfter)
	}
	return 0
}

// plainly is an error without the address that was asked, which may have a password.
func plainly(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// bodyOf is {"events":[…]}.
func bodyOf(all []events.Stored) []byte {
	n := len(`{"events":[]}`)
	for i := range all {
		n += len(all[i].Event) + 1
	}
	b := append(make([]byte, 0, n), `{"events":[`...)
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, all[i].Event...)
	}
	return append(b, "]}"...)
}
