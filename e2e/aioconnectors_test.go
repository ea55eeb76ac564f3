package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"limegrove/lime"
)

// startConnectors starts a router and edges that serve connectors, whose service is hub@localhost.
func startConnectors(t *testing.T, edges int, settings ...string) *cluster {
	t.Helper()
	broker := startNATS(t)
	rules := filepath.Join(t.TempDir(), "rooms.json")
	must(t, os.WriteFile(rules, []byte(`[{"room":{"topic":"*"},"may":["enter","publish"]}]`), 0o600))
	c := &cluster{nats: broker, broker: broker.url, settings: append(settings, "-domain", domain, "-domain", "aio.localhost", "-room-rules", rules)}
	c.start(t, edges, aioFlags("hub@localhost")...)
	return c
}

func aioFlags(service string) []string {
	return []string{"-aioconnectors", address(0), "-aioconnectors-domain", "aio.localhost", "-aioconnectors-service", service, "-aioconnectors-server", aioServer}
}

// aioText is a message of LIME for a connector, with metadata of aioconnectors.
func aioText(id, to, content string, metadata ...string) Envelope {
	e := text(id, to+"@aio.localhost", content)
	e.Metadata = map[string]any{}
	for i := 0; i < len(metadata); i += 2 {
		e.Metadata["aioconnectors."+metadata[i]] = metadata[i+1]
	}
	return e
}

// has tells whether an envelope has a text of metadata of aioconnectors.
func (e Envelope) has(name, value string) bool { return e.Metadata["aioconnectors."+name] == value }

// TestConnectors plays dialogues of connectors as their frames are documented, byte by byte, between two
// edges.
func TestConnectors(t *testing.T) {
	t.Parallel()
	c := startConnectors(t, 2)
	here, there := c.edges[0], c.edges[1]
	hub := guest(t, goLibrary, there, "hub/1")

	t.Run("to the server and back", func(t *testing.T) {
		kiosk := connect(t, here, "Kiosk:7")
		kiosk.sends("report", `,"tag":"a:b","wait_for_ack":true,"transport_id":1,"with_binary":true`, `{"n": 1}`, "\x00\xff")
		kiosk.isAcknowledged("it is stored", 1)
		e := hub.want("it comes", func(e Envelope) bool { return e.has("message_type", "report") })
		if got := fmt.Sprint(e.From, e.Type, e.Content, e.Metadata["aioconnectors.tag"]); got !=
			"%4biosk%3a7@aio.localhost/connector"+"application/vnd.aioconnectors.message+json"+"map[binary:AP8= data:map[n:1]]"+"a:b" {
			t.Errorf("it is %s", got)
		}
		kiosk.sends("price", `,"request_id":5,"await_response":true`, "price?")
		e = hub.wantText("a request", "price?")
		if !e.has("request_id", "5") || !e.has("await_response", "true") {
			t.Errorf("it has %v", e.Metadata)
		}
		hub.send(aioText("1", "%4biosk%3a7", "12", "message_type", "price", "response_id", "5"))
		kiosk.gets("its answer", "price", aioServer, `,"response_id":5`, "12")
		hub.send(aioText("2", "%4biosk%3a7", "late", "message_type", "other", "response_id", "5"))
		kiosk.gets("A-25: of a type that it has not asked for", "other", aioServer, ``, "late")
		hub.send(aioText("3", "%4biosk%3a7", "x", "with_file", `{"dst_name":"a"}`))
		kiosk.gets("without a type", "any", aioServer, `,"with_file":{"dst_name":"a"}`, "x")
		kiosk.write(aioFrame(`{"message_type":"any","source_id":"eve"}`, "as somebody else"))
		kiosk.sends("_unknown", `,"transport_id":9`, "x")
		kiosk.isAcknowledged("A-18: what is dropped, too", 9)
		kiosk.getsNothing("A-09: nothing is said about it")
		hub.wantNothingElse("none of that has come")
	})

	t.Run("the server asks", func(t *testing.T) {
		kiosk := connect(t, here, c.name("kiosk"))
		kiosk.getsNothing("it is there")
		hub.send(aioText("q1", kiosk.name, "state?", "await_response", "true", "message_type", "state"))
		kiosk.gets("a request", "state", aioServer, `,"request_id":"q1","await_response":true`, "state?")
		kiosk.sends("state", `,"response_id":"q1"`, "good")
		if e := hub.wantText("its answer", "good"); !e.has("response_id", "q1") {
			t.Errorf("it has %v", e.Metadata)
		}
	})

	t.Run("to another connector, and to a client of LIME", func(t *testing.T) {
		one, two := connect(t, here, c.name("One")), connect(t, there, c.name("Two"))
		two.getsNothing("it is there")
		one.write(aioFrame(`{"message_type":"any","source_id":"`+one.name+`","destination_id":"`+two.name+`","request_id":7,"await_response":true,"transport_id":1}`, "\xff"))
		one.isAcknowledged("it is stored", 1)
		two.gets("its request", "any", one.name, `,"request_id":7,"await_response":true`, "\xff")
		two.sends("any", `,"response_id":7`, "to the server, as all of them do")
		one.gets("its answer", "any", two.name, `,"response_id":7`, "to the server, as all of them do")
		ana := guest(t, goLibrary, there, c.name("ana")+"/1")
		one.write(aioFrame(`{"message_type":"any","source_id":"`+one.name+`","destination_id":"`+ana.identity()+`"}`, "hello"))
		ana.wantText("a message", "hello")
		ana.send(text("m", "%4f"+one.name[1:]+"@aio.localhost", "hello yourself"))
		one.gets("and back", "any", ana.identity(), "", "hello yourself")
	})

	t.Run("topics", func(t *testing.T) {
		topic, other := c.name("topic"), c.name("topic")
		one, two, three := connect(t, here, c.name("one")), connect(t, there, c.name("two")), connect(t, there, c.name("three"))
		one.subscribes(topic, other)
		two.subscribes(topic)
		three.subscribes(other)
		one.sends("_pubsub", `,"message_type_publish":"`+topic+`","tag":"a","request_id":"r","wait_for_ack":true,"transport_id":1,"with_binary":true`, "news", "\x01")
		first, second := <-one.in, <-one.in
		copied := aioFrame(`{"message_type":"`+topic+`","source_id":"`+aioServer+`","destination_id":"`+one.name+`","request_id":"r","tag":"a","with_binary":true}`, "news", "\x01")
		taken := aioFrame(`{"message_type":"_ack","source_id":"`+aioServer+`","transport_id":1}`, "")
		if !(first == copied && second == taken) && !(first == taken && second == copied) {
			t.Errorf("the publisher gets\n%q and\n%q", first, second)
		}
		two.gets("it comes", topic, aioServer, `,"request_id":"r","tag":"a","with_binary":true`, "news", "\x01")
		two.subscribes(topic)
		two.conn.Close()
		two = connect(t, here, two.name)
		two.subscribes(topic, topic)
		three.write(aioFrame(`{"message_type":"_pubsub","source_id":"`+three.name+`"}`, `{"unsubscribe_message_types":["`+other+`","unknown"]}`))
		three.getsNothing("it has unsubscribed, and has heard nothing")
		file := `,"with_file":{"src_path":"/a","dst_type":"t","dst_name":"a","binary_offset":0},"with_binary":true`
		for _, at := range []string{topic, other} {
			three.sends("_pubsub", `,"message_type_publish":"`+at+`"`+file, "", "A-39: a file's content")
			one.gets("to every subscriber", at, aioServer, file, "", "A-39: a file's content")
		}
		two.gets("A-35: once, as it was", topic, aioServer, file, "", "A-39: a file's content")
		two.getsNothing("once")
		three.getsNothing("nothing more")
	})

	t.Run("topics are rooms of LIME", func(t *testing.T) {
		topic := c.name("topic")
		kiosk := connect(t, here, c.name("kiosk"))
		kiosk.subscribes(topic)
		ana := guest(t, goLibrary, there, c.name("ana")+"/1")
		answer := ana.call(Envelope{
			Method: "subscribe", URI: "/rooms", Type: "application/vnd.limegrove.room+json", Resource: map[string]any{"room": map[string]any{"topic": topic}},
		})
		resource, _ := answer.Resource.(map[string]any)
		address, _ := resource["address"].(string)
		if answer.Status != "success" || address == "" {
			t.Fatalf("she enters: %s", answer)
		}
		kiosk.sends("_pubsub", `,"message_type_publish":"`+topic+`"`, "of a connector")
		kiosk.gets("its own copy", topic, aioServer, "", "of a connector")
		if e := ana.wantText("it comes", "of a connector"); e.From != address+"/"+kiosk.name+"%40aio.localhost" || !e.has("message_type", topic) {
			t.Errorf("it is from %s, with %v", e.From, e.Metadata)
		}
		ana.send(text("", address, "of LIME"))
		kiosk.gets("and back", topic, aioServer, "", "of LIME")
	})

	t.Run("nobody logs in there with LIME", func(t *testing.T) {
		answer := dial(t, goLibrary).loginAs(here, Login{Identity: c.name("kiosk") + "@aio.localhost", Instance: "1"})
		if answer.State != "failed" || answer.Reason == nil || answer.Reason.Code != lime.CodeSessionAuthenticationFailed {
			t.Errorf("the login is answered by %s", answer)
		}
	})

	t.Run("a newer connection replaces the older, wherever that is", func(t *testing.T) {
		topic := c.name("topic")
		older := connect(t, here, c.name("kiosk"))
		older.subscribes(topic)
		newer := connect(t, there, older.name)
		newer.subscribes(topic)
		older.isClosed("the older one")
		newer.sends("_pubsub", `,"message_type_publish":"`+topic+`"`, "news")
		newer.gets("the newer one", topic, aioServer, "", "news")
		hub.send(aioText("r1", newer.name, "x"))
		newer.gets("the newer one", "any", aioServer, "", "x")
		newer.getsNothing("once")
	})

	t.Run("what waits", func(t *testing.T) {
		kiosk := c.name("kiosk")
		sender := connect(t, here, c.name("sender"))
		for n := 1; n <= 20; n++ {
			sender.write(aioFrame(fmt.Sprintf(`{"message_type":"any","source_id":"%s","destination_id":"%s","transport_id":%d}`, sender.name, kiosk, n), fmt.Sprint(n)))
			sender.isAcknowledged("it waits", n)
		}
		receiver := connect(t, there, kiosk)
		for n := 1; n <= 20; n++ {
			receiver.gets("in order", "any", sender.name, "", fmt.Sprint(n))
		}
		receiver.getsNothing("each once")
	})

	t.Run("what does not wait", func(t *testing.T) {
		simple := c.addEdge(t, append(aioFlags("hub@localhost"), "-aioconnectors-simple", "-aioconnectors-types", "any")...)
		kiosk := c.name("kiosk")
		sender, witness := connect(t, simple, c.name("sender")), connect(t, here, c.name("witness"))
		witness.getsNothing("it is there")
		send := func(transport int, content string) {
			t.Helper()
			sender.write(aioFrame(fmt.Sprintf(`{"message_type":"any","source_id":"%s","destination_id":"%s","transport_id":%d}`, sender.name, kiosk, transport), content))
			sender.isAcknowledged("it has come", transport)
		}
		send(1, "lost")
		// It was acknowledged before it went anywhere: what is behind it tells that it has gone.
		sender.write(aioFrame(`{"message_type":"any","source_id":"`+sender.name+`","destination_id":"`+witness.name+`"}`, "behind it"))
		witness.gets("what is behind it", "any", sender.name, "", "behind it")
		receiver := connect(t, here, kiosk)
		receiver.getsNothing("it is there")
		sender.sends("other", `,"transport_id":2`, "A-18")
		sender.isAcknowledged("of another type", 2)
		send(3, "live")
		receiver.gets("what was sent since", "any", sender.name, "", "live")
		receiver.getsNothing("and nothing else")
	})

	t.Run("a burst", func(t *testing.T) {
		sender, receiver := connect(t, here, c.name("sender")), connect(t, there, c.name("receiver"))
		receiver.getsNothing("it is there")
		const all = 3000 // three times what -max-rate allows in a second
		var burst strings.Builder
		for n := range all {
			burst.WriteString(aioFrame(`{"message_type":"any","source_id":"`+sender.name+`","destination_id":"`+receiver.name+`"}`, fmt.Sprint(n)))
		}
		go sender.say(burst.String()) //nolint:errcheck // what comes tells
		for n := range all {
			receiver.gets("all of it, in order", "any", sender.name, "", fmt.Sprint(n))
		}
	})

	t.Run("what is no frame", func(t *testing.T) {
		for _, bytes := range []string{"\x00\x00\x00\x00", "GET / HTTP/1.1\r\n\r\n", aioFrame("[]", "")} {
			kiosk := connect(t, here, c.name("kiosk"))
			kiosk.getsNothing("it is there")
			kiosk.write(bytes)
			kiosk.isClosed(fmt.Sprintf("it sends %q", bytes))
		}
		connect(t, here, "default7").isClosed("a name that is none")
		hub.wantNothingElse("nobody else is concerned")
	})

	t.Run("in TLS", func(t *testing.T) {
		certificate, key := newCertificate(t)
		secured := c.addEdge(t, append(aioFlags("hub@localhost"), "-aioconnectors-tls", "-tls-cert", certificate, "-tls-key", key)...)
		inTLS := func(most uint16) func(net.Conn) net.Conn {
			return func(nc net.Conn) net.Conn {
				return tls.Client(nc, &tls.Config{InsecureSkipVerify: true, MaxVersion: most})
			}
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			kiosk := connectOver(t, secured, inTLS(version), "_handshake_ssl", c.name("kiosk"))
			kiosk.sends("any", `,"transport_id":1`, "in TLS "+tls.VersionName(version))
			kiosk.isAcknowledged("it is stored", 1)
			hub.wantText("it comes", "in TLS "+tls.VersionName(version))
		}
		connectOver(t, secured, inTLS(tls.VersionTLS13), "_handshake_no_ssl", c.name("kiosk")).isClosed("the handshake of the other mode")
		nc, err := net.Dial("tcp", secured.wantPrinted(t, `aioconnectors +(\S+)`)[1])
		must(t, err)
		defer nc.Close()
		old := tls.Client(nc, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11})
		if err = old.HandshakeContext(t.Context()); err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("TLS 1.1: %v", err)
		}
	})

	t.Run("a connector is the server's application", func(t *testing.T) {
		served := c.addEdge(t, aioFlags("depot@aio.localhost")...)
		depot := connect(t, here, "depot")
		depot.getsNothing("it is there")
		one, two := connect(t, served, c.name("one")), connect(t, served, c.name("two"))
		one.sends("price", `,"request_id":5,"await_response":true`, "of one")
		depot.gets("a request", "price", one.name, `,"request_id":5,"await_response":true`, "of one")
		two.sends("price", `,"request_id":5,"await_response":true`, "of two")
		depot.gets("another one by the same id", "price", two.name, `,"request_id":"5~1","await_response":true`, "of two")
		depot.sends("price", `,"response_id":"5~1"`, "for two")
		depot.sends("price", `,"response_id":5`, "for one")
		one.gets("its answer", "price", aioServer, `,"response_id":5`, "for one")
		two.gets("its answer", "price", aioServer, `,"response_id":5`, "for two")
	})
}

// TestConnectorsOutliveTheirEdges: what was acknowledged comes, though the one edge was drained and the other
// one killed.
func TestConnectorsOutliveTheirEdges(t *testing.T) {
	t.Parallel()
	c := startConnectors(t, 2)
	kiosk := c.name("kiosk")
	there := connect(t, c.edges[1], kiosk)
	there.getsNothing("it is there")
	sender := connect(t, c.edges[0], c.name("sender"))
	c.edges[1].signal(t, syscall.SIGTERM)
	if status := c.edges[1].wantExit(t, patience); status.ExitStatus() != 0 {
		t.Errorf("a drained edge ends with %d", status.ExitStatus())
	}
	there.isClosed("its edge has drained")
	for n := 1; n <= 10; n++ {
		sender.write(aioFrame(fmt.Sprintf(`{"message_type":"any","source_id":"%s","destination_id":"%s","transport_id":%d}`, sender.name, kiosk, n), fmt.Sprint(n)))
		sender.isAcknowledged("it is stored", n)
	}
	c.edges[0].kill()
	receiver := connect(t, c.addEdge(t, aioFlags("hub@localhost")...), kiosk)
	for n := 1; n <= 10; n++ {
		receiver.gets("in order", "any", sender.name, "", fmt.Sprint(n))
	}
}
