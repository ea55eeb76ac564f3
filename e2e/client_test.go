package e2e

import (
	"os/exec"
	"testing"
)

// Login is who a client says it is.
type Login struct {
	Identity string
	Instance string
	Password string // in Base64; empty for a guest
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
func limeJS(t testing.TB) library {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is not installed; `make deps` does that")
	}
	return startDriver(t, "lime-js", "js", node, "driver.js").client
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
