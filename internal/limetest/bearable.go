package limetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bearable returns an error when some client could not bear what it is sent: a
// WebSocket message, or what stands between two envelopes over TCP.
func Bearable(message []byte) error {
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	var e envelope
	if err := d.Decode(&e); err != nil {
		return fmt.Errorf("malformed JSON: %w", err) // lime-js, lime-python, lime-go, C#
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one envelope in a message") // lime-js, lime-python, lime-go
	}
	for _, rule := range rules {
		if err := rule(e); err != nil {
			return err
		}
	}
	return nil
}

// envelope is an object's members.
type envelope map[string]any

// has tells members that are not null, which for lime-go are not there.
func (e envelope) has(name string) bool { return e[name] != nil }

func (e envelope) text(name string) string {
	text, _ := e[name].(string)
	return text
}

// rules are each of what one client or another cannot bear.
var rules = []func(envelope) error{
	oneKind, texts, words, commands, documents, metadata, reason,
}

// oneKind: an envelope of no kind ends lime-go's receive loop and C#'s connection, and of
// two kinds different clients make different envelopes.
func oneKind(e envelope) error {
	n := 0
	for _, name := range []string{"content", "event", "method", "state"} {
		if e.has(name) {
			n++
		} else if _, null := e[name]; null {
			return fmt.Errorf("%s is null, which tells the kind to some", name)
		}
	}
	if n != 1 {
		return fmt.Errorf("%d of content, event, method and state", n)
	}
	return nil
}

// texts: a numeric id, or an address that is none, ends lime-go's receive loop.
func texts(e envelope) error {
	for _, name := range []string{"id", "from", "to", "pp", "type", "uri", "event", "method", "status", "state", "scheme"} {
		if _, text := e[name].(string); e.has(name) && !text {
			return fmt.Errorf("%s is no string", name)
		}
	}
	if e.has("event") && e.text("id") == "" {
		return errors.New("a notification without an id")
	}
	return nil
}

// words: lime-go and lime-java read them by the letter, and an event outside of the five
// ends lime-go's receive loop, as an unknown state does.
func words(e envelope) error {
	for name, known := range map[string]string{
		"event":  "accepted dispatched received consumed failed",
		"method": "get set merge delete subscribe unsubscribe observe",
		"status": "success failure",
		"state":  "new negotiating authenticating established finishing finished failed",
	} {
		if e.has(name) && !slices.Contains(strings.Fields(known), e.text(name)) {
			return fmt.Errorf("the %s %s", name, e.text(name))
		}
	}
	return nil
}

// commands: lime-go takes what has a uri for a request, and ends its receive loop at what
// is neither request nor response; lime-js and lime-python do not know a response without a
// method.
func commands(e envelope) error {
	switch {
	case e.has("status") && !e.has("method"):
		return errors.New("a response without a method")
	case e.has("status") && e.has("uri"):
		return errors.New("a response with a uri")
	case e.has("method") && !e.has("status") && !e.has("uri"):
		return errors.New("a request without a uri")
	}
	return nil
}

// documents: lime-go wants a type, and what it says; C# decodes by it, too.
func documents(e envelope) error {
	for _, name := range []string{"content", "resource"} {
		if !e.has(name) {
			continue
		}
		mediaType := e.text("type")
		if mediaType == "" {
			return fmt.Errorf("a %s without a type", name)
		}
		if !strings.Contains(mediaType, "/") {
			return fmt.Errorf("a %s of the type %q", name, mediaType)
		}
		isObject, isText := false, false
		switch e[name].(type) {
		case map[string]any:
			isObject = true
		case string:
			isText = true
		}
		asObject := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
		if asObject && !isObject || !asObject && !isText {
			return fmt.Errorf("a %s of the type %s that is %T", name, mediaType, e[name])
		}
	}
	return nil
}

// metadata: a value that is neither string nor null ends lime-go's receive loop.
func metadata(e envelope) error {
	if !e.has("metadata") {
		return nil
	}
	values, ok := e["metadata"].(map[string]any)
	if !ok {
		return errors.New("metadata that is no object")
	}
	for key, value := range values {
		if _, text := value.(string); value != nil && !text {
			return fmt.Errorf("%s in metadata is no string", key)
		}
	}
	return nil
}

// reason: all but lime-python want an object with a code that is a number.
func reason(e envelope) error {
	if !e.has("reason") {
		return nil
	}
	r, _ := e["reason"].(map[string]any)
	if _, number := r["code"].(json.Number); !number {
		return errors.New("a reason without a code")
	}
	return nil
}
