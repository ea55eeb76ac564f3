package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"limegrove/internal/limetest"
)

// match tells whether the envelope has all members of the pattern, another JSON
// object. There, "*" is any text but the empty one, and null an absent member.
func match(envelope []byte, pattern string) error {
	got, err := object(envelope)
	if err != nil {
		return err
	}
	want, err := object([]byte(pattern))
	if err != nil {
		return fmt.Errorf("the pattern: %w", err)
	}
	return matchMembers(got, want)
}

func matchMembers(got, want map[string]any) error {
	for name, w := range want {
		g, there := got[name]
		inner, isObject := w.(map[string]any)
		switch {
		case w == nil:
			if there {
				return fmt.Errorf("%s is %v, but should be absent", name, g)
			}
		case w == "*":
			if text, _ := g.(string); text == "" {
				return fmt.Errorf("%s is %v, but should be some text", name, g)
			}
		case isObject && len(inner) > 0:
			g, _ := g.(map[string]any)
			if err := matchMembers(g, inner); err != nil {
				return fmt.Errorf("in %s: %w", name, err)
			}
		default:
			if fmt.Sprint(g) != fmt.Sprint(w) {
				return fmt.Errorf("%s is %v, not %v", name, g, w)
			}
		}
	}
	return nil
}

func object(b []byte) (map[string]any, error) {
	var o map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("%q is no object: %w", b, err)
	}
	return o, nil
}

// checkBearable holds what clients are sent against what they can bear, whoever said it.
func checkBearable(t testing.TB, envelope []byte) {
	t.Helper()
	if err := limetest.Bearable(envelope); err != nil {
		t.Errorf("a client cannot bear %s: %v", envelope, err)
	}
}

// checkServerWords holds what the server says against the rules that all of its
// own envelopes keep.
func checkServerWords(t testing.TB, envelope []byte) {
	t.Helper()
	checkBearable(t, envelope)
	got, err := object(envelope)
	if err != nil {
		t.Error(err)
		return
	}
	for name, value := range got {
		if value == nil {
			t.Errorf("L-ENV-10: %s is null in %s", name, envelope)
		}
	}
	reason, _ := got["reason"].(map[string]any)
	hasCode := reason["code"] != nil && fmt.Sprint(reason["code"]) != "0"
	if got["state"] == "failed" && !hasCode {
		t.Errorf("L-SES-29: failed without a reason's code: %s", envelope)
	}
	if got["status"] == "failure" && !hasCode {
		t.Errorf("L-CMD-03: failure without a reason's code: %s", envelope)
	}
	if got["status"] != nil && (got["uri"] != nil || got["method"] == nil || got["id"] == nil) {
		t.Errorf("L-CMD-01, L-CMD-02: a response has a method and an id but no uri: %s", envelope)
	}
	switch event := got["event"]; event {
	case nil, "accepted", "dispatched", "received", "consumed":
	case "failed":
		if !hasCode {
			t.Errorf("L-NOT-01: failed without a reason's code: %s", envelope)
		}
	default:
		t.Errorf("L-NOT-01: the event %v is not for servers: %s", event, envelope)
	}
}
