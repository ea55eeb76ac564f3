package router

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/resource"
	"limegrove/routing"
)

const (
	success = lime.CommandSuccess
	failure = lime.CommandFailure
)

func TestARouterAnswersPing(t *testing.T) { // L-CMD-01, L-CMD-02, L-CMD-10
	w := newWorld(t, Config{})
	ana := w.login("Ana@T.org/1", true)
	ana.ask(`{"id":"1","from":"Ana@T.org/1","method":"get","uri":"/ping"}`)
	c := ana.want("a ping", "1", success, 0)
	if got := string(c.AppendJSON(nil)); !strings.Contains(got, `"application/vnd.lime.ping+json"`) || strings.Contains(got, "uri") {
		t.Errorf("answered by %s", got)
	}
	if c.From.String() != "postmaster@T.org/#r" || c.To.String() != "Ana@T.org/1" || c.Method != lime.MethodGet {
		t.Errorf("answered from %s to %s", c.From, c.To)
	}
}

func TestWhatARouterCannotAnswerFails(t *testing.T) { // L-CMD-04, L-CMD-06
	w := newWorld(t, Config{})
	ana := w.login("ana@t.org/1", true)
	for _, c := range []struct {
		why, command string
		code         lime.Code
	}{
		{"nobody handles it", `"method":"get","uri":"/nothing"`, lime.CodeCommandResourceNotSupported},
		{"not by this method", `"method":"delete","uri":"/ping"`, lime.CodeCommandMethodNotSupported},
		{"another scheme", `"method":"get","uri":"http://t.org/ping"`, lime.CodeValidationInvalidURI},
		{"no URI", `"method":"get","uri":"::"`, lime.CodeValidationInvalidURI},
	} {
		ana.ask(`{"id":"1","from":"ana@t.org/1",` + c.command + `}`)
		ana.want(c.why, "1", failure, c.code)
	}
	ana.ask(`{"method":"get","uri":"/ping","from":"ana@t.org/1"}`) // L-CMD-08
	ana.ask(`{"id":"2","method":"observe","uri":"/ping","from":"ana@t.org/1"}`)
	ana.ask(`{"id":"3","method":"get","uri":"/ping","from":"ana@t.org/1"}`)
	ana.want("without an id, or to observe, there is no answer", "3", success, 0)
}

func TestAnswerThatIsTooLongFails(t *testing.T) {
	w := newWorld(t, Config{})
	o := routing.Order{Requester: lime.MustParseNode("ana@t.org/1")}
	h := lime.Header{ID: []byte("1"), Method: lime.MethodGet}
	for _, row := range []struct {
		what string
		size int64
		want lime.CommandStatus
	}{
		{"with room for the rest", w.edgeNATS.MaxPayload() - 4096, success},
		{"longer than the broker takes", w.edgeNATS.MaxPayload(), failure},
	} {
		b := w.router.answer(o, &h, resource.Response{
			Status: success, Type: lime.MediaJSON, Resource: json.RawMessage(`"` + strings.Repeat("x", int(row.size)) + `"`),
		})
		var got struct {
			ID, Status string
			Reason     *lime.Reason
		}
		if err := json.Unmarshal(b, &got); err != nil || got.ID != "1" || got.Status != row.want.String() || (got.Reason != nil) != (row.want == failure) {
			t.Errorf("%s: %.200s, %v", row.what, b, err)
		}
		if got.Reason != nil && got.Reason.Code != lime.CodeCommandProcessingError {
			t.Errorf("%s: %v", row.what, got.Reason)
		}
	}
}

func TestCommandsThatCannotBeReadAreLeftAlone(t *testing.T) {
	w := newWorld(t, Config{})
	ana := w.login("ana@t.org/1", true)
	if err := w.edgeNATS.PublishMsg(&nats.Msg{Subject: "cmd.org.t", Data: []byte("no JSON")}); err != nil {
		t.Fatal(err)
	}
	// From the edge, whose header has everything but an envelope behind it.
	var h lime.Header
	if err := ana.Command(&h, []byte(`{"id":7}`)); err != nil {
		t.Fatal(err)
	}
	ana.ask(`{"id":"1","from":"ana@t.org/1","method":"get","uri":"/ping"}`)
	ana.want("the router goes on", "1", success, 0)
}
