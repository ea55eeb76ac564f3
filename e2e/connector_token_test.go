package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// inAnyTLS encrypts without a look at the server's certificate, and shows none.
func inAnyTLS(nc net.Conn) net.Conn {
	return tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
}

// aioToken is a frame about a token.
func aioToken(name, data string) string {
	return aioFrame(`{"message_type":"_token","source_id":"`+name+`"}`, data)
}

// given takes the token that a connector is given, and the end of its connection; "" when nothing but the end comes.
func (c *connector) given(t *testing.T) string {
	t.Helper()
	var got string
	select {
	case frame, ok := <-c.in:
		if !ok {
			return ""
		}
		got = frame
	case <-time.After(patience):
		t.Fatalf("%s is given nothing, and is connected", c.name)
	}
	head := aioFrame(`{"message_type":"_token","source_id":"`+aioServer+`"}`, "")
	at := len(head) // the lengths do not matter
	var told struct {
		Command string `json:"cmd"`
		Token   string `json:"token"`
	}
	if len(got) < at || json.Unmarshal([]byte(got[at:]), &told) != nil || told.Command != "set_new_token" || len(told.Token) != 64 {
		t.Fatalf("%s is told %q", c.name, got)
	}
	c.isClosed("it is to come again")
	return told.Token
}

// TestConnectorsByToken gives out tokens at two edges, by frames as they are documented.
func TestConnectorsByToken(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	c := startConnectors(t, 0)
	flags := append(aioFlags("depot@aio.localhost"), "-aioconnectors-tls", "-aioconnectors-tokens", "-tls-cert", certificate, "-tls-key", key)
	here, there := c.addEdge(t, flags...), c.addEdge(t, flags...)
	ask := func(at *edge, name string) string {
		t.Helper()
		return connectSaying(t, at, inAnyTLS, name, aioToken(name, `{"cmd": "get_new_token"}`)).given(t)
	}
	enter := func(at *edge, name, token string) *connector {
		t.Helper()
		k := connectSaying(t, at, inAnyTLS, name, aioToken(name, `{"cmd": "authenticate", "token": "`+token+`"}`))
		k.getsFrame("it is let in", aioFrame(`{"message_type":"_token","source_id":"`+aioServer+`"}`, `{"result":"success"}`))
		return k
	}

	token := ask(here, "Kiosk:7")
	if token == "" {
		t.Fatal("the first who asks is given none")
	}
	kiosk, depot := enter(there, "Kiosk:7", token), enter(here, "depot", ask(there, "depot"))
	kiosk.sends("any", `,"transport_id":1`, "hello")
	kiosk.isAcknowledged("it is stored", 1)
	depot.gets("it comes", "any", "Kiosk:7", "", "hello")

	for what, first := range map[string]string{
		"the name has a token":   aioToken("Kiosk:7", `{"cmd": "get_new_token"}`),
		"a wrong token":          aioToken("Kiosk:7", `{"cmd": "authenticate", "token": "`+token[1:]+`0"}`),
		"that of another":        aioToken("depot", `{"cmd": "authenticate", "token": "`+token+`"}`),
		"another first frame":    aioFrame(`{"message_type":"_handshake_ssl","source_id":"Kiosk:7"}`, "hello"),
		"a message first":        aioFrame(`{"message_type":"any","source_id":"Kiosk:7"}`, "x"),
		"a name that is none":    aioToken("default7", `{"cmd": "get_new_token"}`),
		"half a command":         aioToken("eve", `{"cmd": "get_new_to`),
		"a frame without an end": "\xff\xff\xff\xff\x02\x00{}",
	} {
		connectSaying(t, there, inAnyTLS, "eve", first).isClosed(what)
	}
	kiosk.sends("any", "", "still there")
	depot.gets("nobody else is concerned", "any", "Kiosk:7", "", "still there")

	many := make([]*connector, 8)
	for i := range many {
		many[i] = connectSaying(t, []*edge{here, there}[i%2], inAnyTLS, "many", "")
	}
	for _, k := range many {
		k.write(aioToken("many", `{"cmd": "get_new_token"}`))
	}
	var tokens []string
	for _, k := range many {
		if token := k.given(t); token != "" {
			tokens = append(tokens, token)
		}
	}
	if len(tokens) != 1 {
		t.Fatalf("of eight who ask for one name at the same time %d are given a token", len(tokens))
	}
	enter(here, "many", tokens[0]).sends("any", "", "of many")
	depot.gets("who was given it is let in", "any", "many", "", "of many")
}

// TestConnectorsByTokenWithLeastRights: an edge may do with the stores what it does for connectors.
func TestConnectorsByTokenWithLeastRights(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	certificate, key := newCertificate(t)
	s.settings = []string{"-domain", domain, "-domain", "aio.localhost", "-gossip-key", "aHVudGVyMmh1bnRlcjJodW50ZXIyISEh", "-partitions", "16"}
	s.start(t, 1, append(aioFlags("depot@aio.localhost"), "-aioconnectors-tls", "-aioconnectors-tokens", "-tls-cert", certificate, "-tls-key", key)...)
	at := s.edges[0]
	token := connectSaying(t, at, inAnyTLS, "kiosk7", aioToken("kiosk7", `{"cmd": "get_new_token"}`)).given(t)
	k := connectSaying(t, at, inAnyTLS, "kiosk7", aioToken("kiosk7", `{"cmd": "authenticate", "token": "`+token+`"}`))
	k.getsFrame("it is let in", aioFrame(`{"message_type":"_token","source_id":"`+aioServer+`"}`, `{"result":"success"}`))
	if log, _ := s.nats.output.read(); strings.Contains(string(log), "Violation") {
		t.Error("somebody may not do what he does; see what nats-server has printed")
	}
}

// TestConnectorsAreAdministered: whoever runs the cluster sees connectors at all edges, ends them, keeps them out and ignores them, and takes
// their tokens away.
func TestConnectorsAreAdministered(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	c := startConnectors(t, 0)
	flags := append(aioFlags("depot@aio.localhost"), "-aioconnectors-tls", "-aioconnectors-tokens", "-tls-cert", certificate, "-tls-key", key)
	here, there := c.addEdge(t, flags...), c.addEdge(t, flags...)
	operator := c.startBackend(t, "backend")
	tokens := map[string]string{}
	enter := func(at *edge, name string) *connector {
		t.Helper()
		if tokens[name] == "" {
			tokens[name] = connectSaying(t, at, inAnyTLS, name, aioToken(name, `{"cmd": "get_new_token"}`)).given(t)
		}
		k := connectSaying(t, at, inAnyTLS, name, aioToken(name, `{"cmd": "authenticate", "token": "`+tokens[name]+`"}`))
		k.getsFrame("it is let in", aioFrame(`{"message_type":"_token","source_id":"`+aioServer+`"}`, `{"result":"success"}`))
		return k
	}
	isRefused := func(what string, at *edge, name, token string) {
		t.Helper()
		connectSaying(t, at, inAnyTLS, name, aioToken(name, `{"cmd": "authenticate", "token": "`+token+`"}`)).isClosed(what)
	}
	kiosk, depot := enter(here, "Kiosk:7"), enter(there, "depot")
	depot.getsNothing("it is there")

	shown := operator.want("peers", 200, "GET", "/v1/connectors", "").text
	for _, part := range []string{`"name":"Kiosk:7","identity":"%4biosk%3a7@aio.localhost","address":"127.0.0.1:`, `"name":"depot","identity":"depot@aio.localhost"`, `"edge":"edge-1"`, `"edge":"edge-2"`} {
		if !strings.Contains(shown, part) {
			t.Errorf("peers are %s, without %s", shown, part)
		}
	}
	const at = "/v1/identities/%254biosk%253a7@aio.localhost"
	operator.want("a peer is disconnected", 200, "DELETE", at+"/sessions", "")
	kiosk.isClosed("its session is ended")
	kiosk = enter(there, "Kiosk:7")
	kiosk.getsNothing("it may come again")

	operator.want("it is ignored", 200, "PUT", "/v1/connectors/lists", `{"ignored":{"names":["Kiosk:7"]}}`)
	const dropped = `limegrove_edge_dialect_dropped_total{dialect="aioconnectors",reason="ignored"} 1`
	for n := 1; ; n++ {
		kiosk.sends("any", `,"transport_id":`+strconv.Itoa(n), "ignored?")
		kiosk.isAcknowledged("it is acknowledged all the same", n)
		if page, err := there.page(t.Context(), "/metrics"); err != nil {
			t.Fatal(err)
		} else if strings.Contains(string(page), dropped) {
			break
		}
		depot.gets("the edge has not heard of it yet", "any", "Kiosk:7", "", "ignored?")
	}
	kiosk.getsNothing("it stays")
	depot.getsNothing("what is ignored does not come")
	operator.want("it is heard again, and kept out elsewhere", 200, "PUT", "/v1/connectors/lists", `{"black":{"names":["dep"]}}`)
	depot.isClosed("who is kept out is cut, at once")
	isRefused("it is kept out", here, "depot", tokens["depot"])
	operator.want("what is no list", 400, "PUT", "/v1/connectors/lists", `{"black":{"names":["("]}}`)
	operator.want("neither", 400, "PUT", "/v1/connectors/lists", `{"black":{"grey":[]}}`)
	if lists := operator.want("the lists", 200, "GET", "/v1/connectors/lists", "").text; !strings.Contains(lists, `{"black":{"names":["dep"]}}`) {
		t.Errorf("the lists are %s", lists)
	}
	operator.want("nobody is kept out", 200, "PUT", "/v1/connectors/lists", `{}`)

	operator.want("it has a token", 200, "GET", at+"/connector-token", "")
	operator.want("its token is removed", 204, "DELETE", at+"/connector-token", "")
	kiosk.isClosed("who was let in by it is cut")
	isRefused("it lets nobody in any more", here, "Kiosk:7", tokens["Kiosk:7"])
	operator.want("there is none", 404, "GET", at+"/connector-token", "")
	const token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	sum := sha256.Sum256([]byte(token))
	operator.want("one of the original", 204, "PUT", at+"/connector-token", `{"hash":"`+hex.EncodeToString(sum[:])+`"}`)
	tokens["Kiosk:7"] = token
	enter(here, "Kiosk:7").getsNothing("it is let in by it")
	operator.want("no hash", 400, "PUT", "/v1/identities/x@aio.localhost/connector-token", `{"hash":"x"}`)
}
