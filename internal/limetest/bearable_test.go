package limetest

import (
	"strings"
	"testing"
)

func TestWhatClientsBear(t *testing.T) {
	for _, e := range []string{
		`{"id":"m","from":"a@b/c","to":"d@e","type":"text/plain","content":"x","metadata":{"a":"b","n":null},"x":[1]}`,
		` {"type":"application/json","content":{}}` + "\n",
		`{"id":"m","event":"failed","reason":{"code":1}}`,
		`{"id":"c","method":"get","uri":"/ping"}`,
		`{"id":"c","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{},"uri":null}`,
		`{"id":"c","method":"get","status":"failure","reason":{"code":62,"description":"x"}}`,
		`{"method":"observe","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{}}`,
		`{"id":"s","state":"authenticating","schemeOptions":["guest"]}`,
	} {
		if err := Bearable([]byte(e)); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
}

func TestWhatSomeClientCannotBear(t *testing.T) {
	for e, want := range map[string]string{
		`{"id":"c","method":"get","status":"success","uri":"/ping"}`:      "a response with a uri",
		`{"id":"c","status":"success"}`:                                   "0 of content",
		`{"id":"c","status":"success","event":"received"}`:                "a response without a method",
		`{"id":"c","method":"get","status":"success","resource":{}}`:      "a resource without a type",
		`{"id":"m","event":"deleted"}`:                                    "the event deleted",
		`{"id":"m","event":"Received"}`:                                   "the event Received",
		`{"event":"received"}`:                                            "a notification without an id",
		`{"id":"m","content":"x"}`:                                        "a content without a type",
		`{"id":"m","type":"plain","content":"x"}`:                         `a content of the type "plain"`,
		`{"id":"m","type":"text/plain"}`:                                  "0 of content",
		`{"id":"m","type":"text/plain","content":null}`:                   "content is null",
		`{"method":"observe","type":"text/plain","resource":"x"}`:         "a request without a uri",
		`{"id":"m","type":"text/plain","content":{}}`:                     "that is map",
		`{"id":"m","type":"text/plain","content":1}`:                      "that is json.Number",
		`{"id":"m","type":"application/json","content":[1]}`:              "that is []",
		`{"id":"m","type":"application/x+json","content":"x"}`:            "that is string",
		`{"id":"m","type":"text/plain","content":"x","metadata":{"a":1}}`: "a in metadata is no string",
		`{"id":"m","type":"text/plain","content":"x","metadata":"a"}`:     "metadata that is no object",
		`{"id":1,"type":"text/plain","content":"x"}`:                      "id is no string",
		`{"id":"s","state":"resting"}`:                                    "the state resting",
		`{"id":"s","state":"failed","reason":"no"}`:                       "a reason without a code",
		`{"id":"m","type":"text/plain","content":"x","event":"received"}`: "2 of content",
		`{"id":"m"`: "malformed JSON",
		`{"id":"s","state":"new"}{"id":"s","state":"new"}`: "more than one envelope",
		`[]`: "malformed JSON",
	} {
		if err := Bearable([]byte(e)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", e, err, want)
		}
	}
}
