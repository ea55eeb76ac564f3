package e2e

import (
	"os/exec"
	"testing"

	"github.com/coder/websocket"
)

// Login is who a client says it is.
type Login struct {
	Identity string
	Instance string
	Password string // in Base64; empty for a guest
	Key      string // in Base64, instead of a password

	// Application has the client of a JavaScript library do what the applications of
	// chat platforms do: it says what it has received and consumed, and answers
	// greetings, which are commands with the URI /greeting, with its node.
	Application bool
	Presence    map[string]any // for blip-sdk, which sets it
}

// Client is one session of a client library. What the client is sent goes to the
// sink that it was made with, in order; answers to Call and Finish need not.
type Client interface {
	// Login connects and returns the session envelope that ended the login, which is
	// that of an established session or a failed one.
	Login(url string, who Login) (Envelope, error)

	// Send sends a message, a notification or a command, and waits for nothing.
	Send(e Envelope) error

	// Call sends a command with an id and returns the response.
	Call(e Envelope) (Envelope, error)

	// Finish ends the session in peace and returns the server's last word.
	Finish() (Envelope, error)

	// Drop cuts the connection without a goodbye.
	Drop()
}

// sink takes what a client is sent. It does not block.
type sink interface {
	take(e Envelope)
	closed() // the connection has ended
}

// library makes clients, whose connections end with the test.
type library func(t testing.TB, to sink) Client

// limeJS makes clients of lime-js, in one Node process for all of them.
func limeJS(t testing.TB) library { return javaScript(t, "lime-js", "driver.js") }

// blip makes clients of blip-sdk, likewise. They are applications, and come back when
// their connection is lost.
func blip(t testing.TB) library { return javaScript(t, "blip-sdk", "blip.js") }

// compressingJS makes clients of lime-js whose WebSocket, of another library, offers
// compression and must be given it.
func compressingJS(t testing.TB) library { return javaScript(t, "lime-js", "driver.js", "compress") }

func javaScript(t testing.TB, name, script string, args ...string) library {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is not installed; `make deps` does that")
	}
	return startDriver(t, name, "js", node, append([]string{script}, args...)...).client
}

// limeGo makes clients of lime-go, over TCP, in one process for all of them. With the
// flag -pongs they answer pings, which those who use lime-go must ask for; with -ca they
// believe a certificate.
func limeGo(t testing.TB, flags ...string) library {
	t.Helper()
	return startDriver(t, "lime-go", ".", limeGoProgram, flags...).client
}

// goLibrary makes clients in this process.
func goLibrary(t testing.TB, to sink) Client { return newGoClient(t, to) }

// compressingGo makes clients that offer compression, in which they would remember what
// they said before.
func compressingGo(t testing.TB, to sink) Client {
	c := newGoClient(t, to)
	c.compression = websocket.CompressionContextTakeover
	return c
}
