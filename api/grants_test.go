package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/room"
)

func TestGrantsForRoomsAreReadReplacedAndRemoved(t *testing.T) {
	const at = "/v1/identities/ana@t.org/room-grants"
	w := newWorld(t)
	w.resources.answers["get /room-grants"] = Answer{
		Type: lime.MediaRoomGrants, Resource: json.RawMessage(`{"rooms":[{"room":"/ride/42","may":["enter","publish"]},{"room":{"depot":"*"},"may":["enter"]}]}`),
	}
	w.want("read", w.do(allKey, "GET", at, ""), 200, "")
	a := w.want("replaced", w.do(allKey, "PUT", at, `{"rooms":[{"room":"/ride/42","may":["publish","enter"]},{"may":["enter"],"room":{"x":1,"depot":"*"}}]}`), 200, "")
	if got, want := strings.TrimSpace(a.Body.String()), `{"rooms":[{"room":"/ride/42","may":["enter","publish"]},{"room":{"depot":"*","x":1},"may":["enter"]}]}`; got != want {
		t.Errorf("it is answered %s, want %s", got, want)
	}
	w.want("by none", w.do(allKey, "PUT", at, `{"rooms":[]}`), 200, "")
	w.want("removed", w.do(allKey, "DELETE", at, ""), 204, "")
	want := []string{
		`ana@t.org guest=false get /room-grants `,
		`ana@t.org guest=false set /room-grants {"rooms":[{"room":"/ride/42","may":["enter","publish"]},{"room":{"depot":"*","x":1},"may":["enter"]}]}`,
		`ana@t.org guest=false set /room-grants {"rooms":[]}`, `ana@t.org guest=false delete /room-grants `,
	}
	if !slices.Equal(w.resources.asked, want) {
		t.Errorf("asked:\n%s", strings.Join(w.resources.asked, "\n"))
	}
	w.resources.asked = nil
	many := `{"rooms":[` + strings.TrimSuffix(strings.Repeat(`{"room":"/x","may":["enter"]},`, room.MaxGrants+1), ",") + `]}`
	for _, bad := range []string{
		`{}`, `{"rooms":null}`, `{"rooms":{}}`, `{"rooms":[null]}`, `{"rooms":[{"room":"/x"}]}`, `{"rooms":[{"room":"x","may":["enter"]}]}`,
		`{"rooms":[{"room":"/x","may":["own"]}]}`, `{"rooms":[{"room":"/x","who":"guests","may":["enter"]}]}`, many,
		`{"rooms":["` + strings.Repeat("x", room.MaxGrantsBytes) + `"]}`,
	} {
		if a := w.want(bad[:min(len(bad), 80)], w.do(allKey, "PUT", at, bad), 400, kindInvalid); a.member != "rooms" || a.Body.Len() > 1000 {
			t.Errorf("%.80s: %s", bad, a.Body)
		}
	}
	if a := w.do(allKey, "PUT", at, `{"rooms":[],"who":"x"}`); a.member != "who" {
		t.Errorf("another member: %s", a.Body)
	}
	if len(w.resources.asked) > 0 {
		t.Errorf("asked all the same: %q", w.resources.asked)
	}
	none := Answer{Reason: lime.NewReason(67, "The identity has no account")}
	for _, method := range []string{"set", "delete"} {
		w.resources.answers[method+" /room-grants"] = none
	}
	w.want("of nobody", w.do(allKey, "PUT", at, `{"rooms":[]}`), 404, kindRefused)
	w.want("where there are none", w.do(allKey, "DELETE", at, ""), 404, kindRefused)
	w.resources.silent = true
	w.want("nobody answers", w.do(allKey, "GET", at, ""), 503, kindUnavailable)
}
