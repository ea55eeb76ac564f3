package trigger

import (
	"errors"
	"io"
	"net/http"

	"limegrove/edge/dialect/hightemplar"
)

// maxBody bounds a trigger, in bytes. What NATS carries is about as much.
const maxBody = 1 << 20

// ServeHTTP takes a trigger, and answers as the original did: H-39. Who may send one is for
// others to see to.
func (t *Triggers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a trigger is posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		http.Error(w, "the trigger is too long", http.StatusRequestEntityTooLarge)
		return
	case err != nil: // mostly nobody is there to be told
		http.Error(w, "the trigger is not whole", http.StatusBadRequest)
		return
	}
	status, text := http.StatusOK, "publish success"
	switch err := t.Take(FromHTTP, body); {
	case err == nil:
	case errors.Is(err, hightemplar.ErrNoRooms), errors.Is(err, hightemplar.ErrNoData), errors.Is(err, hightemplar.ErrTrigger):
		status, text = http.StatusBadRequest, err.Error()
	default:
		status, text = http.StatusServiceUnavailable, "the trigger cannot be published now"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // who has gone needs no answer
}
